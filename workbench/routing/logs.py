"""The record's own routed turns as a log, from which `off_policy` estimates what another policy would have reached."""

from __future__ import annotations

from statistics import fmean

from workbench.models.registry import ModelRegistry
from workbench.records.rating import Rating
from workbench.records.record import Record
from workbench.routing.off_policy import Logged
from workbench.routing.policy import Candidate, Task, candidate_of


def routed_turns(record: Record, registry: ModelRegistry) -> list[Logged]:
    """Return the turns that a policy chose a model for, that this model served, and that were rated; the oldest first.

    The quality of a turn is the mean of its ratings; its candidates are those that the policy compared.

    Raises:
        RecordError: the record cannot be read.
    """
    rated: dict[tuple[str, str], list[Rating]] = {}
    for rating in record.ratings():
        if rating.propensity:  # 0 where another model served than was chosen
            rated.setdefault((rating.dialogue, rating.turn), []).append(rating)
    log = []
    for choice in record.choices():
        ratings = rated.get((choice.dialogue, choice.turn))
        if ratings is None or ratings[-1].model != choice.model or not choice.propensity:
            continue
        words = ratings[-1]
        candidates = [candidate_of(registry.get(name)) if name in registry else Candidate(name) for name in choice.scores]
        task = Task("", words.kind or "other", words.capability, words.features)
        log.append(Logged(task, candidates, choice.model, choice.propensity, fmean(word.quality for word in ratings)))
    return log
