"""Runs policies over recorded outcomes, as if the prompts came in now: told is only what the chosen model reached.

A seed decides which prompts are held out as the earlier ones, and which of the others come, in which order; all policies get
the same. Streams no longer than the prompts that are left are drawn without replacement, longer ones with replacement, each
prompt with the same probability. The best single model is the one with the highest mean worth over all prompts that may come:
one choice for all streams, known only afterwards. The oracle knows each prompt's best model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.routing.kinds import Kinds
from workbench.routing.named import policy_named
from workbench.routing.policy import Candidate, Constraints, Outcome, Policy, RoutingError, Task
from workbench.routing.tables import Outcomes

Array = NDArray[np.float64]
Start = Literal["cold", "declared", "warm"]
"""What is known before the first prompt: prices only; also each model's score by kind of task, to one decimal, as a card would
declare it after a trial on the held-out prompts; or every model's outcome on each held-out prompt."""
STARTS: Final = ("cold", "declared", "warm")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is replayed.

    Attributes:
        length: prompts in a stream.
        seeds: how many streams.
        start: what is known before the first prompt.
        held_out: share of the prompts that are the earlier ones, and never come; the same for every start, so that these
            can be compared.
        willing_to_pay: USD for a whole point of quality; None means that cost does not count.
    """

    length: int = 500
    seeds: int = 20
    start: Start = "cold"
    held_out: float = 0.2
    willing_to_pay: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be replayed.

        Raises:
            RoutingError: there would be no prompt, no stream, or no earlier prompt.
        """
        if self.length < 1 or self.seeds < 1:
            raise RoutingError("a replay needs at least one prompt and one seed")
        if not 0 <= self.held_out < 1 or (self.start != "cold" and self.held_out == 0):
            raise RoutingError("the held-out share lies between 0 and 1, and is above 0 unless the start is cold")


@dataclass(frozen=True, slots=True)
class Run:
    """One policy on one stream: what each choice reached and cost, beside the best single model and the oracle."""

    quality: Array
    cost: Array
    single_quality: Array
    single_cost: Array
    oracle_worth: Array
    propensity: Array


@dataclass
class Replayer:
    """Replays policies over one table.

    Args:
        outcomes: the table.
        kinds: looks at the texts; without them only the task counts.
    """

    outcomes: Outcomes
    kinds: Kinds | None = None
    _tasks: list[Task] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        table = self.outcomes
        if self.kinds is None:
            self._tasks = [Task(text, kind) for text, kind in zip(table.texts, table.tasks, strict=True)]
        else:
            self._tasks = self.kinds.tasks(table.texts, table.tasks)

    def run(self, policy: str, plan: Plan, notify: Callable[[int], None] | None = None) -> list[Run]:
        """Return the runs of a policy, one for each seed.

        Args:
            policy: its name; each seed gets a new one.
            plan: what is replayed.
            notify: told each seed when it begins.

        Raises:
            RoutingError: there is no such policy, or it cannot choose among these models.
        """
        runs = []
        for seed in range(plan.seeds):
            if notify is not None:
                notify(seed)
            earlier, stream = self._stream(plan, seed)
            candidates = self._candidates(plan, earlier)
            chooser = policy_named(policy, seed)
            if plan.start == "warm":
                self._teach(chooser, candidates, earlier)
            runs.append(self._run(chooser, candidates, plan, earlier, stream))
        return runs

    def _run(
        self, policy: Policy, candidates: Sequence[Candidate], plan: Plan, earlier: NDArray[np.intp], stream: NDArray[np.intp]
    ) -> Run:
        table, constraints = self.outcomes, Constraints(willing_to_pay=plan.willing_to_pay)
        number = {model: i for i, model in enumerate(table.models)}
        chosen = np.empty(len(stream), dtype=np.intp)
        propensity = np.empty(len(stream))
        for i, prompt in enumerate(stream):
            choice = policy.choose(self._tasks[prompt], candidates, constraints)
            chosen[i], propensity[i] = number[choice.model], choice.propensity
            policy.learn(self._outcome(prompt, candidates[chosen[i]], chosen[i]))
        worth = table.quality - (table.cost / plan.willing_to_pay if plan.willing_to_pay else 0.0)
        single = int(np.delete(worth, earlier, axis=0).mean(axis=0).argmax())
        return Run(
            table.quality[stream, chosen],
            table.cost[stream, chosen],
            table.quality[stream, single],
            table.cost[stream, single],
            worth[stream].max(axis=1),
            propensity,
        )

    def _stream(self, plan: Plan, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the earlier prompts of a seed, and those that come."""
        prompts = len(self.outcomes.prompts)
        random = np.random.default_rng([seed, prompts])
        order = random.permutation(prompts)
        earlier, left = np.split(order, [round(prompts * plan.held_out)])
        if not len(left):
            raise RoutingError("no prompt is left to replay", hint="Hold out fewer.")
        if plan.start != "cold" and not len(earlier):
            raise RoutingError("no prompt is held out to start from", hint="Hold out a larger share.")
        return earlier, left[: plan.length] if plan.length <= len(left) else random.choice(left, plan.length)

    def _candidates(self, plan: Plan, earlier: NDArray[np.intp]) -> list[Candidate]:
        """Return the models. Their price is their mean cost in the table, which stands for the price list."""
        table, cost = self.outcomes, self.outcomes.cost.mean(axis=0)
        scores = self._scores(earlier) if plan.start == "declared" else [{} for _ in table.models]
        return [
            Candidate(model, scores[i], price=1000 * float(cost[i]), cost_usd=float(cost[i]))
            for i, model in enumerate(table.models)
        ]

    def _scores(self, earlier: NDArray[np.intp]) -> list[dict[str, float]]:
        """Return each model's mean quality by task on the earlier prompts, to one decimal."""
        kinds = np.array(self.outcomes.tasks)[earlier]
        means = {kind: self.outcomes.quality[earlier[kinds == kind]].mean(axis=0) for kind in dict.fromkeys(kinds.tolist())}
        return [{kind: round(float(mean[i]), 1) for kind, mean in means.items()} for i in range(len(self.outcomes.models))]

    def _teach(self, policy: Policy, candidates: Sequence[Candidate], earlier: NDArray[np.intp]) -> None:
        """Let a policy learn from every model's outcome on the earlier prompts."""
        for prompt in earlier:
            for i, candidate in enumerate(candidates):
                policy.learn(self._outcome(prompt, candidate, i))

    def _outcome(self, prompt: int, candidate: Candidate, model: int) -> Outcome:
        table = self.outcomes
        return Outcome(self._tasks[prompt], candidate, float(table.quality[prompt, model]), float(table.cost[prompt, model]))
