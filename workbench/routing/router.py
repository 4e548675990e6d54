"""Routing in one workspace: policies that go on from what its record says of earlier turns.

Ratings lie in the record. A policy that learns takes in those that are new before a dialogue begins, and keeps its state there
too, so that a restart does not read them all again; the usual bandits read them anew in each process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.models.card import ModelCard
from workbench.models.registry import ModelRegistry
from workbench.records.rating import Learned as Kept
from workbench.records.rating import Rating
from workbench.records.record import Record
from workbench.routing.kinds import Kinds
from workbench.routing.learned import Learned
from workbench.routing.named import policy_named
from workbench.routing.policy import FREE, Candidate, Choice, Constraints, Outcome, Policy, RoutingError, Task, candidate_of
from workbench.settings import RoutingSettings


@dataclass
class _Known:
    """A policy, and up to which rating it has learned, how many they were."""

    policy: Policy
    through: int = 0
    ratings: int = 0


@dataclass
class Router:
    """Chooses, and learns from the record. Its methods block, and may be called from any thread.

    Args:
        registry: cards of the models that ratings speak of.
        record: gives the record; asked for when it is needed first.
        settings: kinds of a user's own, and the seed.
    """

    registry: ModelRegistry
    record: Callable[[], Record]
    settings: RoutingSettings = field(default_factory=RoutingSettings)
    _kinds: Kinds | None = field(default=None, init=False, repr=False)
    _known: dict[str, _Known] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @property
    def kinds(self) -> Kinds:
        """The kinds of task, those of the workspace included. `kinds.add` adds one."""
        with self._lock:
            if self._kinds is None:
                self._kinds = Kinds()
                for name, kind in self.settings.kinds.items():
                    self._kinds.add(name, kind.examples, capability=kind.capability)
            return self._kinds

    def task(self, text: str, kind: str | None = None) -> Task:
        """Return a text as a task, of that kind or of the one that it is found to be."""
        with self._lock:
            return self.kinds.task(text, kind)

    def choose(
        self,
        policy: str,
        task: Task,
        cards: Sequence[ModelCard],
        constraints: Constraints = FREE,
        prompt_tokens: int = 1000,
        output_tokens: int = 500,
    ) -> Choice:
        """Return a policy's choice among cards; it does not look whether there is news in the record.

        Args:
            policy: its name.
            task: what is to be done.
            cards: the candidates.
            constraints: what the choice must keep.
            prompt_tokens: for the expected cost.
            output_tokens: likewise.

        Raises:
            RoutingError: there is no such policy, or no candidate is left.
        """
        sizes = {"prompt_tokens": prompt_tokens, "output_tokens": output_tokens}
        with self._lock:
            return self._policy(policy).policy.choose(task, [candidate_of(card, **sizes) for card in cards], constraints)

    def expected(self, policy: str, task: Task, cards: Sequence[ModelCard]) -> dict[str, tuple[float, float]]:
        """Return by model the quality that a learning policy expects, and the standard deviation; others expect none."""
        with self._lock:
            known = self._policy(policy).policy
            return known.expected(task, [candidate_of(card) for card in cards]) if isinstance(known, Learned) and cards else {}

    def refresh(self, policy: str) -> int:
        """Learn what the record has of news, and return how many ratings that were.

        Raises:
            RecordError: the record cannot be read or written.
        """
        with self._lock:
            known, record = self._policy(policy), self.record()
            if record.count_ratings(known.through) != known.ratings:  # some that were learned have been replaced
                known = self._known[policy] = _Known(policy_named(policy, self._seed))
            news = record.ratings(known.through)
            for rating in news:
                known.policy.learn(self._outcome(rating))
                known.through, known.ratings = rating.id, known.ratings + 1
            if news and isinstance(known.policy, Learned):
                record.keep_learned(policy, Kept(known.through, known.ratings, known.policy.state()))
            return len(news)

    @property
    def _seed(self) -> int:
        if self.settings.seed is not None:
            return self.settings.seed
        import secrets

        return secrets.randbits(32)

    def _policy(self, name: str) -> _Known:
        """Return a policy as it stands; at its first use, as the record has it."""
        if name not in self._known:
            self._known[name] = self._from_record(name) or _Known(policy_named(name, self._seed))
            self.refresh(name)
        return self._known[name]

    def _from_record(self, name: str) -> _Known | None:
        kept = self.record().learned(name)
        if kept is None:
            return None
        try:
            return _Known(Learned.from_state(kept.state), kept.through, kept.ratings)
        except RoutingError:  # of another version: learned anew from the ratings
            return None

    def _outcome(self, rating: Rating) -> Outcome:
        task = Task("", rating.kind or "other", rating.capability, rating.features)
        card = self.registry.get(rating.model) if rating.model in self.registry else None
        candidate = candidate_of(card) if card else Candidate(rating.model)
        return Outcome(task, candidate, rating.quality, rating.cost)
