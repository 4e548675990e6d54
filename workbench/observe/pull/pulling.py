"""The three pulls, the same for `%pull`, for `workbench pull` and for all services."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.rules.loader import ModeLoader
from workbench.observe.pull.asking import LIMIT, ask, service_named
from workbench.observe.pull.cases import Case, cases_of, columns, lines
from workbench.observe.pull.files import file_name, write
from workbench.observe.pull.modes import mode_text
from workbench.observe.pull.scores import Kept, keep
from workbench.observe.pull.service import KINDS, PullError, Service

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.records.moments import Since

_LETTER: Final = "prompt-"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull has written.

    Attributes:
        path: the file.
        name: to use it by: of a mode its name, of cases the path below the workspace.
        written: whether that changed anything; not where the same was there already.
        cases: of a data set.
        parameters: of a mode, which a run has to set.
    """

    path: Path
    name: str
    written: bool
    cases: tuple[Case, ...] = ()
    parameters: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Of the cases."""
        return columns(self.cases)

    def __str__(self) -> str:
        written = "written" if self.written else "there already"
        if self.cases:
            return f"{len(self.cases)} cases, {written}: {self.name}"
        more = f" Set its parameters: {' '.join(f'--set {each}=…' for each in self.parameters)}." if self.parameters else ""
        return f"Mode {self.name}, {written}: {self.path}.{more}"


def pull_dataset(
    service: Service, name: str, workspace: Path, *, target: str = "", force: bool = False, seconds: float = LIMIT
) -> Pulled:
    """Write a data set as cases. Blocks.

    Args:
        service: that has it.
        name: of the data set.
        workspace: that the file is relative to.
        target: the file, a `.jsonl`; by default made from the name.
        force: whether a file that says something else is replaced.
        seconds: that the service may take.

    Raises:
        PullError: it is not there, is empty, or would replace something.
    """
    path = workspace / (target or f"{file_name(name)}.jsonl")
    if path.suffix != ".jsonl":
        raise PullError(f"{path} is no file of cases.", hint="Cases are JSON Lines: --as cases.jsonl.")
    cases = ask(service.title, lambda: cases_of(service.dataset(name)), seconds)
    written = write(path, lines(cases), force=force)
    shown = path.relative_to(workspace) if path.is_relative_to(workspace) else path
    return Pulled(path, str(shown), written, tuple(cases))


def pull_prompt(
    service: Service,
    name: str,
    workspace: Path,
    *,
    target: str = "",
    version: str = "",
    topic: str = "",
    force: bool = False,
    seconds: float = LIMIT,
) -> Pulled:
    """Write a prompt as a mode into `modes/`. Blocks.

    Args:
        service: that has it.
        name: of the prompt.
        workspace: whose modes are meant.
        target: name of the mode; by default made from the prompt's.
        version: of the prompt; by default the newest.
        topic: the variable that is the topic, where it is not to be found out.
        force: whether a mode that says something else is replaced.
        seconds: that the service may take.

    Raises:
        PullError: it is not there, has what a mode cannot say, or would replace something.
    """
    mode = file_name(target.removesuffix(".yaml") or name)[:64]
    mode = mode if mode[0].isalpha() else f"{_LETTER}{mode}"[:64]
    prompt = ask(service.title, lambda: service.prompt(name, version), seconds)
    path = workspace / "modes" / f"{mode}.yaml"
    text = mode_text(prompt, mode, service.title, topic)
    parameters = tuple(ModeLoader().loads(text, mode).parameters)
    return Pulled(path, mode, write(path, text, force=force), parameters=parameters)


def pull_scores(orchestrator: Orchestrator, service: Service, since: Since | None = None, *, seconds: float = LIMIT) -> Kept:
    """Keep people's scores of what the sync has sent as ratings. Blocks.

    Args:
        orchestrator: whose record is meant.
        service: that has them.
        since: only those from then on.
        seconds: that the service may take.

    Raises:
        PullError: the service does not tell them.
        RecordError: the point in time is none, or the record does not take them.
    """
    from workbench.records.moments import moment

    begin = None if since is None else moment(since)
    return keep(orchestrator, service.title, ask(service.title, lambda: list(service.scores(begin)), seconds))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pull as somebody asks for it.

    Attributes:
        service: `langfuse` or `langsmith`.
        kind: one of `KINDS`.
        name: of the data set or prompt.
        target, version, topic, force, seconds: see `pull_dataset` and `pull_prompt`.
        since: see `pull_scores`.
    """

    service: str
    kind: str
    name: str = ""
    target: str = ""
    version: str = ""
    topic: str = ""
    since: str | None = None
    force: bool = False
    seconds: float = LIMIT


def pull(orchestrator: Orchestrator, wanted: Wanted) -> Pulled | Kept:
    """Do a pull. Blocks.

    Raises:
        PullError: it cannot be done; nothing is changed then.
        SettingsError: the service is not set up.
        RecordError: the record does not take ratings.
    """
    if wanted.kind not in KINDS:
        raise PullError(f"{wanted.kind!r} cannot be pulled.", hint=f"There are: {', '.join(KINDS)}.")
    if (wanted.kind == "scores") == bool(wanted.name):
        hint = "pull SERVICE dataset NAME, pull SERVICE prompt NAME, pull SERVICE scores"
        raise PullError("Scores have no name." if wanted.name else f"Which {wanted.kind}?", hint=hint)
    if not wanted.seconds > 0:
        raise PullError("A time limit is a number of seconds above 0.", hint="--timeout 120")
    workspace = orchestrator.settings.workspace
    with closing(service_named(wanted.service)) as service:
        if wanted.kind == "scores":
            return pull_scores(orchestrator, service, wanted.since, seconds=wanted.seconds)
        how: dict[str, Any] = {"target": wanted.target, "force": wanted.force, "seconds": wanted.seconds}
        if wanted.kind == "dataset":
            return pull_dataset(service, wanted.name, workspace, **how)
        return pull_prompt(service, wanted.name, workspace, version=wanted.version, topic=wanted.topic, **how)
