"""The circuit breaker by itself: closed, open, half open, and never more than one probe, whatever the order of things."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from wired import Clock

from workbench.models.breaker import CircuitBreaker


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(failures=3, seconds=10.0, clock=clock)


def trip(breaker):
    for _ in range(breaker.failures):
        breaker.enter().failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    for _ in range(2):
        breaker.enter().failed()
    assert (breaker.state, breaker.wait()) == ("closed", 0.0)
    breaker.enter().failed()
    assert (breaker.state, breaker.wait()) == ("open", 10.0)


def test_a_success_between_them_starts_the_count_again(breaker):
    for _ in range(5):
        breaker.enter().failed()
        breaker.enter().failed()
        breaker.enter().succeeded()
    assert breaker.state == "closed"


def test_a_call_that_tells_nothing_neither_counts_nor_clears(breaker):
    breaker.enter().failed()
    breaker.enter().failed()
    breaker.enter().abandoned()
    assert breaker.state == "closed"
    breaker.enter().failed()
    assert breaker.state == "open"


def test_after_its_rest_it_lets_one_probe_out(breaker, clock):
    trip(breaker)
    clock.now += 9.9
    assert breaker.wait() == pytest.approx(0.1)
    clock.now += 0.1
    assert (breaker.state, breaker.wait()) == ("half_open", 0.0)
    breaker.enter()
    assert breaker.wait() > 0
    clock.now += 1000
    assert breaker.wait() > 0


def test_a_probe_that_succeeds_closes_it(breaker, clock):
    trip(breaker)
    clock.now += 10
    breaker.enter().succeeded()
    assert (breaker.state, breaker.wait()) == ("closed", 0.0)
    breaker.enter().failed()
    assert breaker.state == "closed"


def test_a_probe_that_fails_opens_it_again_for_the_whole_rest(breaker, clock):
    trip(breaker)
    clock.now += 15
    breaker.enter().failed()
    assert (breaker.state, breaker.wait()) == ("open", 10.0)


def test_a_probe_that_tells_nothing_leaves_the_next_call_to_probe(breaker, clock):
    trip(breaker)
    clock.now += 10
    breaker.enter().abandoned()
    assert (breaker.state, breaker.wait()) == ("half_open", 0.0)


def test_calls_that_were_out_before_it_opened_do_not_touch_the_probe(breaker, clock):
    old = [breaker.enter() for _ in range(3)]
    trip(breaker)
    clock.now += 10
    probe = breaker.enter()
    old[0].abandoned()
    assert breaker.wait() > 0
    old[1].failed()
    assert (breaker.state, breaker.wait() > 0) == ("half_open", True)
    probe.failed()
    assert breaker.wait() == 10.0


def test_an_old_call_that_succeeds_is_good_news_too(breaker):
    old = breaker.enter()
    trip(breaker)
    old.succeeded()
    assert breaker.state == "closed"


def test_an_old_failure_does_not_lengthen_the_rest(breaker, clock):
    old = breaker.enter()
    trip(breaker)
    clock.now += 9
    old.failed()
    assert breaker.wait() == 1.0


def test_only_the_first_word_of_a_call_counts(breaker):
    for _ in range(5):
        passage = breaker.enter()
        passage.succeeded()
        passage.failed()
        passage.abandoned()
    assert breaker.state == "closed"


class AnyOrder(RuleBasedStateMachine):
    """Calls that enter when they may, end in any way and order, while time passes."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.breaker = CircuitBreaker(failures=3, seconds=10.0, clock=self.clock)
        self.out = []
        self.probes = []
        self.opened_at = None
        self.in_a_row = 0

    @rule()
    @precondition(lambda self: self.breaker.wait() == 0)
    def enter(self):
        was_closed = self.breaker.state == "closed"
        passage = self.breaker.enter()
        self.out.append(passage)
        if not was_closed:
            self.probes.append(passage)

    @rule(seconds=st.sampled_from([0.0, 0.5, 9.0, 10.0, 100.0]))
    def pass_time(self, seconds):
        self.clock.now += seconds

    @rule(data=st.data(), how=st.sampled_from(["succeeded", "failed", "abandoned"]))
    @precondition(lambda self: self.out)
    def end(self, data, how):
        passage = data.draw(st.sampled_from(self.out))
        before, probe = self.breaker.state, passage in self.probes
        self.out.remove(passage)
        self.probes = [one for one in self.probes if one is not passage]
        getattr(passage, how)()
        after = self.breaker.state
        if how == "succeeded":
            assert after == "closed"
            self.in_a_row, self.probes = 0, []
        elif how == "failed" and before == "closed":
            self.in_a_row += 1
            assert after == ("open" if self.in_a_row >= 3 else "closed")
        elif how == "failed" and probe:
            assert (after, self.breaker.wait()) == ("open", 10.0)
        else:
            assert after == before

    @invariant()
    def never_more_than_one_probe(self):
        assert len(self.probes) <= 1

    @invariant()
    def while_it_is_open_nobody_passes_and_while_it_is_closed_everybody_does(self):
        allowed = {"closed": True, "open": False, "half_open": not self.probes}[self.breaker.state]
        assert (self.breaker.wait() == 0) is allowed

    @invariant()
    def the_wait_is_never_longer_than_the_rest(self):
        assert 0 <= self.breaker.wait() <= 10.0


TestAnyOrder = AnyOrder.TestCase
