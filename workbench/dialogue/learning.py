"""What dialogues learn from each other: who is routed by what, and how good turns were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from workbench.dialogue.casting.routed import candidates_for
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.prompts.feedback import persons_ratings, ratings_of
from workbench.dialogue.rules.mode import RoleSpec
from workbench.errors import WorkbenchError
from workbench.events.listening import report
from workbench.models import ModelRegistry
from workbench.records import Record
from workbench.routing.policy import Constraints
from workbench.settings import RoutingSettings

if TYPE_CHECKING:
    from workbench.routing.explained import Explanation
    from workbench.routing.router import Router


class Learning:
    """Lets dialogues choose models by what earlier ones have shown, and keeps what they show themselves.

    Args:
        registry: the model cards.
        record: gives the record.
        settings: `[routing]`.
    """

    def __init__(self, registry: ModelRegistry, record: Callable[[], Record], settings: RoutingSettings) -> None:
        self._registry, self._record, self._settings = registry, record, settings

    @cached_property
    def router(self) -> Router:
        """Chooses models; what it has learned lies in the record."""
        from workbench.routing.router import Router

        return Router(self._registry, self._record, self._settings)

    def router_for(self, spec: RunSpec) -> Router | None:
        """Return what chooses in a run, with all that the record has to learn from; None where no role is routed. Blocks."""
        policies = {route.policy for each in spec.family() for route in each.routes.values()}
        for policy in policies:
            self.router.refresh(policy)
        return self.router if policies else None

    def rate(self, dialogue: Dialogue, load: Callable[[str], Dialogue]) -> None:
        """Keep what the judges and checks of a dialogue say of its turns, and those of its sub-dialogues. Blocks.

        Args:
            dialogue: that has ended.
            load: returns a dialogue of the record by its id.
        """
        try:
            for each in (dialogue, *(load(child) for child in dialogue.transcript.children)):
                transcript = each.transcript
                plan = RunSpec.model_validate(transcript.run).plan()
                if ratings := ratings_of(transcript, plan, partial(self.router.task, transcript.topic)):
                    self._record().rate(ratings)
        except WorkbenchError as error:  # what was said is safe; that nobody learns from it is no reason to fail
            report("turns_not_rated", dialogue=dialogue.id, error=error.message)

    def explain(
        self,
        text: str,
        *,
        policy: str | None = None,
        models: Sequence[str] = (),
        kind: str | None = None,
        willing_to_pay: float | None = None,
        max_cost: float | None = None,
        max_latency: float | None = None,
        local: bool = False,
        prompt_tokens: int = 1000,
        output_tokens: int = 500,
    ) -> Explanation:
        """Return which model a task should have, and what spoke for each; see `Orchestrator.route`. Blocks."""
        from workbench.routing.explained import explain
        from workbench.routing.named import policy_named

        settings, policy = self._settings, policy or self._settings.policy
        policy_named(policy)
        cards = candidates_for(RoleSpec(), models or settings.models, self._registry, None)
        constraints = Constraints(
            max_cost_usd=max_cost,
            context_tokens=prompt_tokens + output_tokens,
            max_latency=max_latency,
            local_only=local,
            good_enough=settings.good_enough,
            willing_to_pay=willing_to_pay or settings.willing_to_pay,
        )
        task = self.router.task(text, kind)
        sizes = {"prompt_tokens": prompt_tokens, "output_tokens": output_tokens}
        return explain(self.router, policy, task, cards, constraints, **sizes)

    def rate_by_person(
        self, dialogue: Dialogue, quality: float, turn: str | None = None, *, by: str = "", comment: str = ""
    ) -> int:
        """Keep what a person says of a turn, or of all turns, and return of how many. Blocks.

        Raises:
            WorkbenchError: there is no such turn, or the quality does not lie between 0 and 1.
            RecordError: it is not kept.
        """
        transcript = dialogue.transcript
        task = partial(self.router.task, transcript.topic)
        ratings = persons_ratings(transcript, quality, turn, task, by=by, comment=comment)
        self._record().rate(ratings)
        return len(ratings)
