"""Every way in which a provider fails has one class, the same for all protocols, and the class decides whether to try again."""

import socket

import pytest
from wired import PROTOCOLS, Heard, ask, card

from workbench.errors import ErrorKind, ModelError

ATTEMPTS = 3
CLASSES = {
    "400": ErrorKind.BAD_REQUEST,
    "401": ErrorKind.AUTHENTICATION,
    "403": ErrorKind.AUTHENTICATION,
    "404": ErrorKind.BAD_REQUEST,
    "408": ErrorKind.TIMEOUT,
    "429": ErrorKind.RATE_LIMIT,
    "500": ErrorKind.CAPACITY,
    "503": ErrorKind.CAPACITY,
    "529": ErrorKind.CAPACITY,
    "html": ErrorKind.CAPACITY,
    "cut": ErrorKind.CAPACITY,
    "hang": ErrorKind.TIMEOUT,
    "malformed": ErrorKind.MALFORMED_ANSWER,
    "context": ErrorKind.CONTEXT_TOO_LONG,
    "filter": ErrorKind.CONTENT_FILTER,
    "filtered": ErrorKind.CONTENT_FILTER,
}
BROKEN_STREAMS = {
    "cut": ErrorKind.CAPACITY,
    "short": ErrorKind.CAPACITY,
    "overloaded": ErrorKind.CAPACITY,
    "stall": ErrorKind.TIMEOUT,
}
TRIED_AGAIN = {ErrorKind.RATE_LIMIT, ErrorKind.CAPACITY, ErrorKind.TIMEOUT, ErrorKind.MALFORMED_ANSWER}

of_every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def failure(client, asked, heard=None, **options):
    with pytest.raises(ModelError) as caught:
        ask(client, asked, heard, **options)
    return caught.value


@of_every_protocol
@streamed
@pytest.mark.parametrize("fault", CLASSES)
def test_a_failure_has_its_class_and_is_tried_again_only_if_it_may_pass(wire, make_client, protocol, stream, fault):
    wire.faults = lambda _asked: fault
    heard, kind = Heard(), CLASSES[fault]
    error = failure(
        make_client(attempts=ATTEMPTS), card(wire, protocol, timeout=0.7 if fault == "hang" else 30), heard, stream=stream
    )
    tries = ATTEMPTS if kind in TRIED_AGAIN else 1
    assert error.kind is kind
    assert len(wire.requests) == tries
    assert [(call.outcome, call.attempt) for call in heard.calls] == [(kind, attempt) for attempt in range(1, tries + 1)]
    assert [started.call for started in heard.started] == [call.id for call in heard.calls]


@of_every_protocol
@pytest.mark.parametrize("fault", BROKEN_STREAMS)
def test_a_stream_that_breaks_is_a_failure_and_its_half_answer_is_kept(wire, make_client, protocol, fault):
    wire.faults = lambda _asked: fault
    heard = Heard()
    error = failure(make_client(attempts=1), card(wire, protocol, timeout=0.5 if fault == "stall" else 30), heard)
    assert error.kind is BROKEN_STREAMS[fault]
    (call,) = heard.calls
    assert call.text == "".join(piece.text for piece in heard.pieces)
    assert 0 < len(call.text.split()) < wire.words
    assert call.finish_reason is None


@of_every_protocol
def test_what_a_broken_stream_has_counted_so_far_is_not_its_usage(wire, make_client, protocol):
    wire.faults = lambda _asked: "cut"
    heard = Heard()
    failure(make_client(attempts=1), card(wire, protocol), heard)
    assert heard.calls[0].usage is None


@of_every_protocol
def test_an_answer_that_comes_slowly_but_steadily_is_no_hang(wire, make_client, protocol):
    wire.words, wire.delay = 15, 0.1
    assert ask(make_client(attempts=1), card(wire, protocol, timeout=1.0)).text


@of_every_protocol
@streamed
def test_a_server_that_is_not_there_is_a_matter_of_capacity(make_client, wire, protocol, stream):
    heard = Heard()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but it does not listen
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        error = failure(make_client(attempts=ATTEMPTS), card(wire, protocol, api_base=address), heard, stream=stream)
    assert error.kind is ErrorKind.CAPACITY
    assert [call.attempt for call in heard.calls] == [1, 2, 3]


@streamed
@pytest.mark.parametrize(
    ("protocol", "status", "words", "kind"),
    [
        ("gemini", 400, "API key not valid. Please pass a valid API key.", ErrorKind.AUTHENTICATION),
        ("gemini", 400, "Invalid JSON payload received. Unknown name 'seed' at 'generation_config'", ErrorKind.BAD_REQUEST),
        ("gemini", 429, "You exceeded your current quota, please check your plan. Retry in 27 s.", ErrorKind.RATE_LIMIT),
        ("anthropic", 400, "Your credit balance is too low to access the Anthropic API.", ErrorKind.AUTHENTICATION),
        ("anthropic", 413, "Request exceeds the maximum size", ErrorKind.CONTEXT_TOO_LONG),
        ("openai", 402, "Insufficient Balance", ErrorKind.AUTHENTICATION),
        ("openai", 422, "temperature must be a number", ErrorKind.BAD_REQUEST),
        ("openai", 504, "upstream timed out", ErrorKind.TIMEOUT),
    ],
)
def test_what_providers_are_known_to_say(wire, make_client, protocol, stream, status, words, kind):
    wire.faults, wire.says = lambda _asked: "says", (status, words)
    error = failure(make_client(attempts=1), card(wire, protocol), stream=stream)
    assert error.kind is kind
    assert error.message == f"{card(wire, protocol).id}: {words}"


@streamed
def test_a_rate_limit_for_want_of_money_is_not_tried_again(wire, client, stream):
    wire.faults = lambda _asked: "quota"
    assert failure(client, card(wire), stream=stream).kind is ErrorKind.AUTHENTICATION
    assert len(wire.requests) == 1


@of_every_protocol
@streamed
def test_an_answer_that_a_filter_stopped_is_charged_all_the_same(wire, client, protocol, stream):
    wire.faults = lambda _asked: "filtered"
    heard = Heard()
    failure(client, card(wire, protocol, prices={"input": 1.0, "output": 1.0}), heard, stream=stream)
    assert heard.calls[0].finish_reason == "content_filter"
    assert heard.calls[0].cost == pytest.approx(10e-6)


@streamed
def test_a_prompt_that_gemini_blocks_is_a_matter_of_content(wire, client, stream):
    wire.faults = lambda _asked: "blocked"
    assert failure(client, card(wire, "gemini"), stream=stream).kind is ErrorKind.CONTENT_FILTER
    assert len(wire.requests) == 1


@pytest.mark.parametrize("kind", ErrorKind)
def test_only_what_may_pass_counts_as_transient(kind):
    assert kind.transient is (kind in TRIED_AGAIN)


@pytest.mark.parametrize(
    ("fault", "hint"), [("401", "workbench doctor"), ("404", "workbench models"), ("context", "larger window")]
)
def test_a_failure_that_the_user_can_mend_says_how(wire, client, fault, hint):
    wire.faults = lambda _asked: fault
    assert hint in str(failure(client, card(wire)))
