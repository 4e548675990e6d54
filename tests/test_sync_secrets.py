"""What is kept out of every word that is told or kept: whatever a wire was given to be let in with."""

from __future__ import annotations

from sync_mortal import a_dialogue
from sync_service import SmallTarget, deliver

from workbench.errors import redact, register_secret
from workbench.observe.sync.http import Wire
from workbench.observe.sync.langfuse import LangfuseTarget
from workbench.observe.sync.langsmith import LangSmithTarget
from workbench.observe.sync.syncing import lost_lines, status_rows
from workbench.observe.sync.target import Parcel, Source
from workbench.records import Record

SECRET = "known-to-this-test-alone"


def test_whatever_a_wire_was_given_to_be_let_in_with_is_not_told() -> None:
    scheme, plain, given = "behind-a-scheme-1f9c", "in-a-header-7a02", "given-by-itself-c3d4"
    Wire("http://127.0.0.1:1", {"Authorization": f"Bearer {scheme}", "X-Api-Key": plain, "Accept": "any"}, secrets=(given,))
    told = redact(f"no entry with {scheme}, {plain} or {given}; accepts any")
    assert told == "no entry with [redacted], [redacted] or [redacted]; accepts any"


def test_the_key_of_a_service_is_not_told_by_itself_either() -> None:
    first, second = "of-a-service-90bd", "of-another-41aa"
    targets = LangfuseTarget("http://127.0.0.1:1", "pk", first), LangSmithTarget("http://127.0.0.1:1", second, "lab")
    assert redact(f"{first}, {second}") == "[redacted], [redacted]"
    assert not [each.id for each in targets if first in each.id or second in each.id]


def test_a_source_that_cannot_be_told_tells_no_secret(sqlite_url: str) -> None:
    class Broken(SmallTarget):
        async def check(self) -> str:
            return "1"

        async def parcels(self, source: Source, record: Record) -> list[Parcel]:
            raise ValueError(f"{SECRET} is not a number")

    register_secret(SECRET)
    with Record.open(sqlite_url) as record:
        record.outbox.switch_on(Broken.id, Broken.title, Broken.kinds)
        record.write(a_dialogue("a"))
        deliver(record, Broken("http://127.0.0.1:1"))
        rows = status_rows(record)
        assert "[redacted] is not a number" in str(lost_lines(rows))
        assert SECRET not in str(rows)
