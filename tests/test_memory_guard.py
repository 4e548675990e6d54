"""What is loaded, and when: only what fits, once, and at the cost of what nobody uses. What is free is said by the tests."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wired import Heard, card, quick
from wired import ask as ask_client

from workbench.errors import CapacityError, ErrorKind, ModelError, SettingsError
from workbench.models import Client, ModelCard, ModelRegistry
from workbench.models.capacity import free_memory, group_rooms, parse_size
from workbench.models.provider import Request, Sampling
from workbench.models.providers import Providers
from workbench.models.providers.local import LocalProvider
from workbench.models.providers.residents import Residents, Wanted
from workbench.models.weights import pull
from workbench.settings import Settings


class Machine:
    """A memory of so many bytes. What is loaded into it takes its need until it is collected."""

    def __init__(self, size: int) -> None:
        self.size, self.taken, self.loads, self.fewest = size, 0, [], size
        self.residents = Residents(self.free)

    def free(self) -> int:
        return self.size - self.taken

    def wanted(self, name: str, need: int) -> Wanted[Loaded]:
        return Wanted(name, name, lambda: need, lambda: Loaded(self, name, need))


class Loaded:
    def __init__(self, machine: Machine, name: str, need: int) -> None:
        self.machine, self.need = machine, need
        machine.loads.append(name)
        machine.taken += need
        machine.fewest = min(machine.fewest, machine.free())

    def __del__(self) -> None:
        self.machine.taken -= self.need


class Holder:
    """Somebody who wants models to stay."""


@pytest.fixture
def holder():
    return Holder()


def use(machine: Machine, name: str, need: int, holder: object) -> None:
    with machine.residents.using(machine.wanted(name, need), holder):
        pass


def test_what_fits_is_loaded_once_and_stays(holder):
    machine = Machine(10)
    for name in ("a", "b", "a", "b"):
        use(machine, name, 5, holder)
    assert (machine.loads, machine.free()) == (["a", "b"], 0)


def test_many_who_ask_at_once_share_one_loading(holder):
    machine, gate = Machine(10), threading.Barrier(8)

    def ask():
        gate.wait()
        with machine.residents.using(machine.wanted("a", 5), holder) as engine:
            return id(engine)

    with ThreadPoolExecutor(8) as pool:
        seen = {future.result() for future in [pool.submit(ask) for _ in range(8)]}
    assert (len(seen), machine.loads) == (1, ["a"])


def test_the_least_recently_used_goes_first(holder):
    machine = Machine(10)
    for name in ("a", "b", "a", "c"):
        use(machine, name, 5, holder)
    assert ["a" in machine.residents, "b" in machine.residents, "c" in machine.residents] == [True, False, True]


def test_what_is_in_use_is_never_unloaded(holder):
    machine = Machine(10)
    with machine.residents.using(machine.wanted("a", 5), holder):
        use(machine, "b", 5, holder)
        use(machine, "c", 5, holder)
        assert "a" in machine.residents
        with pytest.raises(CapacityError) as caught:
            use(machine, "d", 6, holder)
    assert (caught.value.need, caught.value.model) == (6, "d")
    assert "c" in machine.residents, "unloading it would not have been enough"


def test_a_model_too_large_for_the_machine_unloads_nothing(holder):
    machine = Machine(10)
    use(machine, "a", 5, holder)
    with pytest.raises(CapacityError) as caught:
        use(machine, "b", 11, holder)
    assert (caught.value.need, caught.value.free, machine.loads) == (11, 5, ["a"])
    assert "a" in machine.residents


def test_main_memory_is_not_emptied_for_a_graphics_card(holder):
    machine, gpu = Machine(10), Machine(4)
    use(machine, "a", 5, holder)
    wanted = Wanted("g", "g", lambda: 6, lambda: Loaded(gpu, "g", 6), free=gpu.free)
    with pytest.raises(CapacityError), machine.residents.using(wanted, holder):
        pass
    assert "a" in machine.residents


def test_a_model_leaves_memory_with_the_last_who_asked_for_it(holder):
    machine, other = Machine(10), Holder()
    use(machine, "a", 5, holder)
    use(machine, "a", 5, other)
    machine.residents.release(holder)
    assert machine.free() == 5
    machine.residents.release(other)
    assert machine.free() == 10


def test_a_loading_that_fails_leaves_nothing_behind(holder):
    machine = Machine(10)

    def fail():
        raise OSError("broken")

    for _ in range(2):
        with pytest.raises(OSError, match="broken"), machine.residents.using(Wanted("a", "a", lambda: 5, fail), holder):
            pass
    use(machine, "a", 10, holder)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(5, 30),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=30),
    st.lists(st.integers(1, 12), min_size=6, max_size=6),
)
def test_memory_is_never_overdrawn_and_nothing_in_use_is_lost(size, steps, needs):
    machine, holder, need = Machine(size), Holder(), dict(zip("abcdef", needs, strict=True))
    open_uses: dict[str, ExitStack] = {}
    for name, keep in steps:
        if name in open_uses:
            open_uses.pop(name).close()
            continue
        stack = ExitStack()
        busy = sum(need[other] for other in open_uses)
        try:
            stack.enter_context(machine.residents.using(machine.wanted(name, need[name]), holder))
        except CapacityError:
            assert busy + need[name] > size, "it would have fitted beside what is in use"
        else:
            assert busy + need[name] <= size
            if keep:
                open_uses[name] = stack
            else:
                stack.close()
        assert all(other in machine.residents for other in open_uses)
        assert machine.fewest >= 0
    for stack in open_uses.values():
        stack.close()


# With real weights.


@pytest.fixture(scope="module")
def weights() -> Path:
    return pull("smollm2-135m")


@pytest.fixture
def twin(weights: Path, tmp_path: Path) -> Path:
    """The same weights under another name: another model."""
    copy = tmp_path / "twin.gguf"
    copy.hardlink_to(weights) if weights.stat().st_dev == tmp_path.stat().st_dev else copy.write_bytes(weights.read_bytes())
    return copy


def ask(model, **fields):
    return Request(model, ({"role": "user", "content": "Say yes."},), Sampling(max_tokens=4), **fields)


async def speak(provider, request):
    return [chunk async for chunk in provider.stream(request)]


async def test_weights_that_do_not_fit_are_told_before_they_are_loaded(weights):
    residents = Residents(free=lambda: 200_000_000)
    provider = LocalProvider(residents)
    with pytest.raises(CapacityError, match="needs 496 MB of memory, and 200 MB is free") as caught:
        await speak(provider, ask("local/smollm2-135m"))
    assert (caught.value.kind, caught.value.model) == (ErrorKind.CAPACITY, "local/smollm2-135m")
    assert "min_memory" in caught.value.hint
    assert weights.resolve() not in residents
    await provider.aclose()


async def test_what_the_card_says_it_takes_wins(weights):
    provider = LocalProvider(Residents(free=lambda: 200_000_000))
    assert await speak(provider, ask("local/smollm2-135m", min_memory=150_000_000))
    with pytest.raises(CapacityError, match=r"needs 2\.0 GB"):
        await speak(LocalProvider(Residents(free=lambda: 200_000_000)), ask("local/smollm2-135m", min_memory=2_000_000_000))
    await provider.aclose()


async def test_the_idle_model_makes_room_and_comes_back(weights, twin):
    residents = Residents(
        free=lambda: 600_000_000 - sum(500_000_000 for path in (weights, twin) if path.resolve() in residents)
    )
    provider = LocalProvider(residents)
    for model, path, gone in (("local/smollm2-135m", weights, twin), (f"local/{twin}", twin, weights)) * 2:
        assert (await speak(provider, ask(model)))[-1].usage.completion > 0
        assert (path.resolve() in residents, gone.resolve() in residents) == (True, False)
    await provider.aclose()


async def test_a_model_that_speaks_is_not_unloaded_for_another(weights, twin):
    residents = Residents(free=lambda: 600_000_000 - 500_000_000 * (weights.resolve() in residents))
    provider = LocalProvider(residents)
    story = ({"role": "user", "content": "A long story."},)
    long = Request("local/smollm2-135m", story, Sampling(max_tokens=4000), extra={"ignore_eos": True})
    speaking = provider.stream(long)
    while not (await anext(speaking)).text:
        pass
    with pytest.raises(CapacityError):
        await speak(provider, ask(f"local/{twin}"))
    assert (await anext(speaking)).text is not None
    await speaking.aclose()
    await provider.aclose()


class Small(Providers):
    """Providers on a machine with little memory left."""

    def _live(self, card):
        if card.local:
            return self._made.setdefault("local", LocalProvider(Residents(free=lambda: 50_000_000)))
        return super()._live(card)


def test_a_fallback_serves_at_once_and_small_models_stay_welcome(wire, tmp_path, weights):
    settings = quick(tmp_path, breaker_failures=2, attempts=4)
    client, big = Client(settings, Small(settings)), ModelCard(name="big", id="local/smollm2-135m")
    for _ in range(3):
        heard = Heard()
        answer = ask_client(client, [big, card(wire)], heard)
        assert (answer.model, answer.fallback_reason) == ("openai", "big: capacity")
        assert [(call.model, call.attempt) for call in heard.calls] == [("big", 1), ("openai", 1)], "it is not tried again"
    assert client.breaker("local").wait() == 0, "that there is no room for one says nothing about the others"


def test_without_a_fallback_the_way_out_is_told(tmp_path, weights):
    settings = quick(tmp_path)
    with pytest.raises(ModelError, match="50 MB is free") as caught:
        ask_client(Client(settings, Small(settings)), ModelCard(name="big", id="local/smollm2-135m"))
    assert "min_memory" in str(caught.value)


# What is read of the machine.


def test_a_containers_limit_counts(tmp_path):
    own, group = tmp_path / "own", tmp_path / "cgroup" / "user" / "job"
    own.write_text("0::/user/job\n", encoding="utf-8")
    group.mkdir(parents=True)
    (group / "memory.max").write_text("1000\n", encoding="utf-8")
    (group / "memory.current").write_text("700\n", encoding="utf-8")
    (group / "memory.stat").write_text("anon 600\ninactive_file 50\nactive_file 20\n", encoding="utf-8")
    (group.parent / "memory.max").write_text("max\n", encoding="utf-8")
    (group.parent / "memory.current").write_text("800\n", encoding="utf-8")
    assert list(group_rooms(own, tmp_path / "cgroup")) == [350]
    (group.parent / "memory.max").write_text("900\n", encoding="utf-8")
    assert sorted(group_rooms(own, tmp_path / "cgroup")) == [100, 350]


def test_an_older_containers_limit_counts(tmp_path):
    own, group = tmp_path / "own", tmp_path / "cgroup" / "memory" / "docker"
    own.write_text("3:cpu,cpuacct:/docker\n2:memory:/docker\n", encoding="utf-8")
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("1000", encoding="utf-8")
    (group / "memory.usage_in_bytes").write_text("900", encoding="utf-8")
    (group / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 30\n", encoding="utf-8")
    assert list(group_rooms(own, tmp_path / "cgroup")) == [130]


def test_where_nothing_limits_it_the_machine_decides(tmp_path):
    assert list(group_rooms(tmp_path / "none", tmp_path)) == []
    assert free_memory() > 0


@given(st.integers(0, 10**15), st.sampled_from(["", " B", "b"]))
def test_a_number_alone_is_bytes(size, unit):
    assert parse_size(f" {size}{unit} ") == size


def test_a_card_takes_sizes_as_people_write_them(tmp_path):
    def read(size):
        return (
            ModelRegistry(Settings(workspace=tmp_path, models={"m": {"id": "local/x", "min_memory": size}})).get("m").min_memory
        )

    assert [read(size) for size in ("2 GB", "1.5GiB", "600 mb", 4096)] == [2 * 10**9, 3 * 2**29, 600 * 10**6, 4096]
    for bad in ("lots", "-1 GB", "2 parsecs", 0):
        with pytest.raises(SettingsError, match="min_memory"):
            read(bad)


async def test_asking_at_once_loads_once(weights):
    looks = []
    provider = LocalProvider(Residents(free=lambda: looks.append("before loading") or 10**12))
    await asyncio.gather(*(speak(provider, ask("local/smollm2-135m")) for _ in range(4)))
    assert looks == ["before loading"]
    await provider.aclose()
