"""What was sent: it is not sent again if it would count twice, whatever is said of it later, nor in the same words."""

from __future__ import annotations

import json

from sync_mortal import a_dialogue
from sync_service import Service, SmallTarget, deliver

from workbench.observe.sync.target import Parcel, Source
from workbench.records import Record


def test_what_would_count_again_goes_once_though_two_sources_tell_of_it_differently(sqlite_url: str) -> None:
    class Shared(SmallTarget):
        async def parcels(self, source: Source, record: Record) -> list[Parcel]:
            return [Parcel("spans", "shared", ("it",), json.dumps([{"id": "it", "said": source.key}]).encode())]

    with Service() as service, Record.open(sqlite_url) as record:
        record.outbox.switch_on(Shared.id, Shared.title, Shared.kinds)
        for name in "ab":
            record.write(a_dialogue(name))
            assert deliver(record, Shared(service.url)) == {}
        assert service.things == {"it": 1}


def test_what_is_said_in_the_same_words_again_is_not_sent_again(sqlite_url: str) -> None:
    class Repeating(SmallTarget):
        async def parcels(self, source: Source, record: Record) -> list[Parcel]:
            return [Parcel("scores", "shared", ("it",), b'[{"id": "it"}]')]

    with Service() as service, Record.open(sqlite_url) as record:
        record.outbox.switch_on(Repeating.id, Repeating.title, Repeating.kinds)
        for name in "ab":
            record.write(a_dialogue(name))
            assert deliver(record, Repeating(service.url)) == {}
        assert service.requests == 1
        assert record.outbox.standing(Repeating.id).sent == 2
