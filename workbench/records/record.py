"""The way into the record: open it, hand it events, ask it what happened.

SQLAlchemy takes a while to import and pandas a while longer: the first comes in when a record is opened, the second when
a DataFrame is asked for.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.errors import RecordError
from workbench.events import Event, Status
from workbench.records.owners import this_process
from workbench.records.rescue import read_rescue_file, write_rescue_file
from workbench.records.summary import DialogueSummary

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from workbench.records.ancestry import Ancestor
    from workbench.records.assessments import AssessmentRows
    from workbench.records.choices import Chosen
    from workbench.records.decisions import DecisionRows
    from workbench.records.experiments import ExperimentRows
    from workbench.records.mentions import Mention
    from workbench.records.metering import Metering
    from workbench.records.model_stats import By
    from workbench.records.moments import Since
    from workbench.records.outbox import OutboxRows
    from workbench.records.paces import UsageRows
    from workbench.records.paper_summaries import SummaryRows
    from workbench.records.papers import PaperRows
    from workbench.records.parcels import ParcelRows
    from workbench.records.priced import Priced
    from workbench.records.queries import Reader
    from workbench.records.rating import Learned, Rating
    from workbench.records.search.finding import Asked, Found
    from workbench.records.search.indexing import Told
    from workbench.records.writer import Writer


class Record:
    """Everything that happened, in one database. Open it with `Record.open`; all methods may be called from any thread.

    Methods that read or wait block the calling thread: on an event loop, only `append` and `commit` are at home.

    Attributes:
        url: as given, password included.
        unwritten: events that are not in the database yet, in order; after `close`, those that it did not take.
    """

    def __init__(self, url: str, place: str, file: Path | None, engine: Engine) -> None:
        from workbench.records.queries import Reader
        from workbench.records.store import Store
        from workbench.records.writer import Writer

        self.url = url
        self._place = place
        self._file = file
        self._engine = engine
        self._reader: Reader = Reader(engine, place)
        self._writer: Writer = Writer(Store(engine, place, file))
        self._owner = this_process()
        self._closed = False
        atexit.register(self.close)

    @classmethod
    def open(cls, url: str) -> Record:
        """Open a record; make it where there is none, and bring an older one up to date.

        Args:
            url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/database`.

        Raises:
            RecordError: it cannot be used (unreachable, locked, damaged, not writable, written by a newer workbench).
        """
        from workbench.records.engine import open_engine, parse_url, place_of

        parsed = parse_url(url)
        file = Path(str(parsed.database)) if parsed.drivername == "sqlite" else None
        return cls(url, place_of(parsed), file, open_engine(parsed))

    def append(self, event: Event) -> None:
        """Have an event stored soon, and return at once; events that are not durable are ignored."""
        if event.durable:
            self._writer.append(event, self._owner)

    async def commit(self, event: Event) -> None:
        """Have an event stored, and return when it and everything appended before it is on disk.

        Raises:
            RecordError: it is not. The event is kept in memory and stored with the next one that the database takes,
                unless the text says that it can never be stored.
        """
        if event.durable:
            await self._writer.commit(event, self._owner)

    def write(self, events: Iterable[Event]) -> None:
        """Store events that happened elsewhere, and block until they are on disk; those that are there already are skipped.

        Raises:
            RecordError: they are not all stored, or they contradict what is; a dialogue's events are stored all or none.
        """
        self._writer.write(event for event in events if event.durable)

    def rescue(self, path: Path | str) -> int:
        """Store the events of a rescue file, skipping those that are there already; return how many the file has."""
        events = list(read_rescue_file(Path(path)))
        self.write(events)
        return len(events)

    def events(self, dialogue: str, after: int = 0) -> list[Event]:
        """Return the events of a dialogue with a number above `after`, rising; those that wait to be written included."""
        waiting = {event.seq: event for event in self.unwritten if event.dialogue == dialogue and event.seq > after}
        stored = {event.seq: event for event in self._reader.events(dialogue, after)}
        both = waiting | stored
        return [both[seq] for seq in sorted(both)]

    def find(self, prefix: str) -> str:
        """Return the full id of the one dialogue that a prefix, or `last`, stands for.

        Raises:
            RecordError: there is none, or more than one; the text names those that come near.
        """
        return self._reader.find(prefix)

    def summary(self, dialogue: str) -> DialogueSummary:
        """Return a dialogue's row; takes what `find` takes."""
        return self._reader.summary(dialogue)

    def summaries(
        self, *, limit: int = 50, status: Status | str | None = None, observations: bool = True, text: str = ""
    ) -> list[DialogueSummary]:
        """Return the rows of the newest dialogues, newest first.

        Args:
            limit: how many.
            status: only of this one.
            observations: whether those that experiments made are among them.
            text: only those whose topic, mode or id has it, capitals or not.
        """
        return self._reader.summaries(limit, status, observations=observations, text=text)

    def children(self, dialogue: str) -> list[DialogueSummary]:
        """Return what was forked from a dialogue (its full id) or spawned by it, the oldest first."""
        return self._reader.children(dialogue)

    def family(self, dialogue: str) -> list[DialogueSummary]:
        """Return a dialogue (its full id), all that it comes from, and all that comes from those, the oldest first."""
        return self._reader.family(dialogue)

    def claim(self, dialogue: str) -> None:
        """Make this process the one that runs a dialogue.

        Starting or resuming a dialogue through `append` or `commit` claims it as well; its end releases it.

        Args:
            dialogue: the full id.

        Raises:
            RecordError: the dialogue is unknown, or a process that still lives runs it.
        """
        from workbench.records.claims import claim

        claim(self._engine, self._place, dialogue)

    @property
    def papers(self) -> PaperRows:
        """The papers that are kept here."""
        from workbench.records.papers import PaperRows

        return PaperRows(self._engine, self._place)

    @property
    def paper_summaries(self) -> SummaryRows:
        """The summaries of papers that are kept here."""
        from workbench.records.paper_summaries import SummaryRows

        return SummaryRows(self._engine, self._place)

    @property
    def assessments(self) -> AssessmentRows:
        """The assessments of papers that are kept here, and what came of them."""
        from workbench.records.assessments import AssessmentRows

        return AssessmentRows(self._engine, self._place)

    @property
    def experiments(self) -> ExperimentRows:
        """The experiments that are kept here, with their runs and observations."""
        from workbench.records.experiments import ExperimentRows

        return ExperimentRows(self._engine, self._place)

    @property
    def outbox(self) -> OutboxRows:
        """The services that this record is copied to, and how far each is."""
        from workbench.records.outbox import OutboxRows

        return OutboxRows(self._engine, self._place)

    @property
    def parcels(self) -> ParcelRows:
        """What of this record is on its way to a service."""
        from workbench.records.parcels import ParcelRows

        return ParcelRows(self._engine, self._place)

    @property
    def decisions(self) -> DecisionRows:
        """The decisions about papers that are kept here, and the branches that were made for them."""
        from workbench.records.decisions import DecisionRows

        return DecisionRows(self._engine, self._place)

    def search(self, asked: Asked, told: Told | None = None) -> Found:
        """Return what has certain words, or is as asked for, in dialogues, turns, papers and all else that is kept.

        What was kept since the last search is taken into the index first: some thousands of turns a second.

        Args:
            asked: what is looked for.
            told: hears how far that is: rows that are done, and all of them.

        Raises:
            RecordError: nothing can be looked for that way, or the database cannot answer.
        """
        from workbench.records.search.finding import find
        from workbench.records.search.indexing import bring_up_to_date

        self.flush()
        bring_up_to_date(self._engine, self._place, told)
        return find(self._engine, self._place, asked)

    def ancestors(self, dialogue: str) -> list[Ancestor]:
        """Return a dialogue (its full id), what it was forked from or spawned by, and so on, as far as they are known."""
        from workbench.records.ancestry import read_ancestors

        return read_ancestors(self._engine, self._place, dialogue)

    @property
    def usage(self) -> UsageRows:
        """What calls took: what was spent on what, how fast and how reliably models answered."""
        from workbench.records.paces import UsageRows

        return UsageRows(self._engine, self._place)

    def metering(self) -> Metering:
        """Return what reads this record's meters for monitoring, again and again."""
        from workbench.records.metering import Metering

        return Metering(self._engine, self._place)

    def mentions(self, mode: str, words: str) -> list[Mention]:
        """Return the dialogues of a mode whose topic has some words as they stand, oldest first."""
        from workbench.records.mentions import read_mentions

        return read_mentions(self._engine, self._place, mode, words)

    def rate(self, ratings: Iterable[Rating]) -> int:
        """Store what sources say of turns, and return how many were news; a source's later word on a turn replaces its first.

        Raises:
            RecordError: nothing is stored.
        """
        from workbench.records.ratings import keep_ratings

        return keep_ratings(self._engine, self._place, ratings)

    def ratings(self, after: int = 0, dialogue: str | None = None) -> list[Rating]:
        """Return the ratings with a number above `after`, rising; all, or those of one dialogue (what `find` takes)."""
        from workbench.records.ratings import read_ratings

        return read_ratings(self._engine, self._place, after, self.find(dialogue) if dialogue else None)

    def rating(self, number: int) -> Rating | None:
        """Return the rating of a number; None where a later word has replaced it."""
        from workbench.records.ratings import read_rating

        return read_rating(self._engine, self._place, number)

    def count_ratings(self, through: int) -> int:
        """Return how many ratings there are up to a number."""
        from workbench.records.ratings import count_ratings

        return count_ratings(self._engine, self._place, through)

    def learned(self, policy: str) -> Learned | None:
        """Return what a routing policy has learned in this record; None where it has learned nothing."""
        from workbench.records.ratings import read_learned

        return read_learned(self._engine, self._place, policy)

    def keep_learned(self, policy: str, learned: Learned) -> None:
        """Store what a routing policy has learned, unless another process has stored more."""
        from workbench.records.ratings import keep_learned

        keep_learned(self._engine, self._place, policy, learned, time.time())

    def choices(self, limit: int = 20_000) -> list[Chosen]:
        """Return the newest turns whose model a policy chose, oldest first."""
        from workbench.records.choices import read_choices

        return read_choices(self._engine, self._place, limit)

    def stamp(self) -> tuple[float, int]:
        """Return what grows with every turn that begins or ends and with every rating; equal stamps mean no news."""
        from workbench.records.choices import read_stamp

        return read_stamp(self._engine, self._place)

    def dialogues(self) -> pd.DataFrame:
        """Return all dialogues, oldest first, with the columns of `DialogueSummary`; `run` is JSON."""
        return self._frame("dialogues", None)

    def turns(self, dialogue: str | None = None) -> pd.DataFrame:
        """Return the turns of all dialogues, or of one; takes what `find` takes.

        Columns: dialogue_id, turn, position (from 1), role, model (asked for), served (what answered), round, status,
        text, reasoning, error, started_at, ended_at, prompt_tokens, completion_tokens, cost (USD; tokens and cost are
        those of all its calls), choice (JSON: why a policy chose the model).
        """
        return self._frame("turns", dialogue)

    def calls(self, dialogue: str | None = None) -> pd.DataFrame:
        """Return the calls of all dialogues, or of one; takes what `find` takes.

        Columns: dialogue_id, id, turn and the fields of `workbench.events.Call`, its times as queue_seconds,
        first_token_seconds and total_seconds, its usage as prompt_tokens, completion_tokens, cached_tokens and
        reasoning_tokens.
        """
        return self._frame("calls", dialogue)

    def model_stats(self, by: By = "model", since: Since | None = None, baseline: Priced | None = None) -> pd.DataFrame:
        """Return what is known of each model: how often it was asked and answered, how fast, for how much, and how good it was.

        Columns: those of `workbench.records.model_stats.ModelStats`, its quality as quality, quality_low, quality_high (95 %)
        and interval (`Wilson` or `t`); missing is unknown.

        Args:
            by: `task` gives a row for each model and kind of task.
            since: only what happened from then on: a span such as `7d`, a date, a `datetime`, or Unix seconds.
            baseline: a model card; `saved` says what the same tokens would have cost more at its prices.

        Raises:
            RecordError: the point in time is none, or the baseline's prices are unknown.
        """
        from workbench.records.model_stats import read_model_stats, stats_frame
        from workbench.records.moments import moment

        begin = None if since is None else moment(since)
        rows = read_model_stats(self._engine, self._place, by, begin, baseline)
        return stats_frame(rows, by, baseline=baseline is not None)

    def events_frame(self, dialogue: str | None = None) -> pd.DataFrame:
        """Return the events of all dialogues, or of one; takes what `find` takes.

        Columns: dialogue_id, seq, type, at, payload (the whole event as JSON).
        """
        return self._frame("events", dialogue)

    def rebuild(self) -> None:
        """Make the dialogues, turns and calls again from the events."""
        from workbench.records.failures import explained
        from workbench.records.rebuild import rebuild

        self.flush()
        with explained(self._place):
            rebuild(self._engine)

    @property
    def unwritten(self) -> list[Event]:
        """Events that are not in the database yet, in order."""
        return self._writer.unwritten()

    def flush(self) -> None:
        """Block until everything appended so far is on disk.

        Raises:
            RecordError: it is not; it is kept in memory and tried again later.
        """
        self._writer.write([])

    def close(self) -> None:
        """Write what is waiting and let go of the database. Closing twice does nothing.

        Raises:
            RecordError: the database did not take everything; the text names the file that did.
        """
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        problem: RecordError | None = None
        try:
            self._writer.stop()
        except RecordError as error:
            problem = error
        finally:
            self._engine.dispose()
        if problem is not None:
            raise self._rescued(problem)

    def _rescued(self, problem: RecordError) -> RecordError:
        lost = self.unwritten
        if not lost:
            return problem
        path = write_rescue_file(lost, self._file)
        error = RecordError(
            f"{problem.message} {len(lost)} events could not be stored; they are in {path}.",
            hint=f"Once the cause is mended: Record.open(url).rescue({str(path)!r})",
        )
        error.__cause__ = problem
        return error

    def _frame(self, table: str, dialogue: str | None) -> pd.DataFrame:
        from workbench.records.frames import frame

        return frame(*self._reader.rows(table, dialogue))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.close()
        except RecordError as problem:
            if error is None:
                raise
            error.add_note(str(problem))

    def __repr__(self) -> str:
        return f"Record({self._place!r})"
