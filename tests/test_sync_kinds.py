"""Whose outbox something is put in when it is written: that of each target which is on and takes its kind."""

from __future__ import annotations

from collections.abc import Callable

from sync_mortal import a_dialogue, a_rating
from sync_service import KINDS, keys

from workbench.records import Record


def test_what_is_written_is_put_in_for_the_targets_that_are_on_and_take_its_kind(open_record: Callable[[], Record]) -> None:
    record = open_record()
    for name, kinds in {"all": KINDS, "ratings": ("rating",), "dialogues": ("dialogue",), "off": KINDS}.items():
        record.outbox.switch_on(name, name, kinds)
    record.outbox.switch_off("off")
    record.write(a_dialogue("d"))
    record.rate([a_rating("d")])
    put_in = {name: {kind for kind, _ in keys(record, name)} for name in ("all", "ratings", "dialogues", "off")}
    assert put_in == {"all": {"dialogue", "rating"}, "ratings": {"rating"}, "dialogues": {"dialogue"}, "off": set()}


def test_a_target_that_is_on_again_takes_what_is_written_from_then_on(open_record: Callable[[], Record]) -> None:
    record = open_record()
    for _ in range(2):
        record.outbox.switch_on("t", "t", KINDS)
        record.outbox.fill("t")
        record.outbox.switch_off("t")
    record.outbox.switch_on("t", "t", KINDS)
    record.write(a_dialogue("d"))
    assert keys(record) == {("dialogue", "d@0-5")}
