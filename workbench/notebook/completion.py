"""Completion in the lines of the magics: modes, roles, models, options, subcommands and dialogue ids.

It runs while somebody types, so it imports no engine, opens no model, and only glances at the record (the first id costs the
import of SQLAlchemy); where anything goes wrong it offers nothing. The options are those of the magics' own parsers. Offers are
made instead of Python's, which know nothing about these lines.
"""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from workbench.errors import WorkbenchError
from workbench.events import Status

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue.rules.mode import Mode
    from workbench.records.queries import Reader
    from workbench.settings import Settings

_CELL: Final = re.compile(r"\s*%%dialogue(?P<rest>\s.*)?$")
_LINE: Final = re.compile(
    r"\s*(?:[\w.,\s]+=\s*)?%(?P<magic>dialogue|dialogues|modes|models|workbench|fork|diff|tree|route|rate|paper|budget|sampling|costs|performance|sync|pull|find|experiment)(?P<rest>\s.*)?$"
)
_TAKES: Final = {"fork": 1, "diff": 2, "tree": 1, "rate": 1, "costs": 1}
"""Magic to how many ids it takes."""
_SHOWN: Final = 50
_PATIENCE: Final = 0.5
"""Seconds to wait for a record."""
_FIRST: Final = 100.0
"""Priority among the matchers: before all others, so that Jedi need not run for nothing."""


@dataclass(frozen=True, slots=True)
class _Typed:
    """A magic's line up to the cursor: whole words, and the beginning of one that is being typed."""

    kind: str
    magic: str
    words: tuple[str, ...]
    stub: str


def install(shell: InteractiveShell) -> None:
    """Offer completions in a shell; doing it twice does it once."""
    completer: Any = shell.Completer
    kept = [each for each in completer.custom_matchers if getattr(each, "matcher_identifier", "") != "workbench"]

    @context_matcher(identifier="workbench", priority=_FIRST)
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        return complete(shell, context)

    completer.custom_matchers = [*kept, matcher]


def complete(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    """Return what may stand at the cursor; nothing outside of the magics' lines."""
    typed = _typed(context)
    if typed is None:
        return SimpleMatcherResult(completions=[], suppress=False)
    try:
        offers = list(_Offers(shell, typed))
    except (WorkbenchError, OSError, ValueError):
        offers = []
    word = re.split(r"[=,]", typed.stub)[-1] if not typed.stub.startswith("--") or "=" in typed.stub else typed.stub
    fitting = [SimpleCompletion(text, type=hint) for text, hint in offers if text.startswith(word) and text != word]
    return SimpleMatcherResult(completions=fitting, matched_fragment=word, suppress=bool(fitting), ordered=True)


def _typed(context: CompletionContext) -> _Typed | None:
    """Return the line of a magic that the cursor is in."""
    before = context.text_until_cursor
    if context.cursor_line == _first_line(context.full_text) and (found := _CELL.match(before)):
        kind, magic = "cell", "dialogue"
    elif found := _LINE.match(before):
        kind, magic = "line", found["magic"]
    else:
        return None
    if found["rest"] is None:
        return None
    words = found["rest"].split()
    stub = "" if before[-1:].isspace() or not words else words.pop()
    return _Typed(kind, magic, tuple(words), stub)


def _first_line(text: str) -> int:
    """Return the number of the first line that is not empty: IPython looks for a cell magic there."""
    return next((number for number, line in enumerate(text.split("\n")) if line.strip()), 0)


class _Offers:
    """What may stand at the cursor, as text and hint, the likeliest first.

    Args:
        shell: whose magics they are.
        typed: the line.
    """

    def __init__(self, shell: InteractiveShell, typed: _Typed) -> None:
        self._typed = typed
        self._parser: Any = _parser(shell, typed)
        self._actions: dict[str, Action] = {name: a for a in self._parser._actions for name in a.option_strings}  # noqa: SLF001 - argparse shows its options nowhere else
        self._plain, self._open = self._read()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        stub = self._typed.stub
        if self._open is not None:
            return iter(self._values(self._open, stub))
        if stub.startswith("--") and "=" in stub:
            name, _, value = stub.partition("=")
            return iter(self._values(self._actions[name], value) if name in self._actions else ())
        if stub.startswith("-"):
            return iter(self._options())
        begun = bool(self._plain) or not self._subcommands
        return iter([*self._positional(), *(self._options() if begun and not stub else ())])

    @property
    def _subcommands(self) -> bool:
        return self._typed.kind == "line" and self._typed.magic in ("dialogue", "paper", "experiment")

    def _read(self) -> tuple[list[str], Action | None]:
        """Return the words that belong to no option, and the option whose value is being typed."""
        plain: list[str] = []
        waiting: Action | None = None
        for word in self._typed.words:
            if waiting is not None:
                waiting = None
            elif word.startswith("-"):
                action = self._actions.get(word)
                waiting = action if action is not None and action.nargs != 0 else None
            else:
                plain.append(word)
        return plain, waiting

    def _positional(self) -> Iterable[tuple[str, str]]:
        magic, place = self._typed.magic, len(self._plain)
        if self._subcommands:
            return self._of_subcommand(place)
        if magic in _TAKES:
            if place >= _TAKES[magic]:
                return ()
            return _points(self._typed.stub) if magic in ("fork", "rate") and "@" in self._typed.stub else _ids()
        if magic in ("models", "sync", "pull"):
            return _models() if magic == "models" else _targets(self._plain) if magic == "sync" else _pulls(place)
        if magic in ("dialogue", "modes") and place == 0:
            return [*_modes(), *_files(self._typed.stub, (".yaml", ".yml"), "mode file")]
        return [(choice, "command") for choice in self._commands()] if place == 0 else ()

    def _of_subcommand(self, place: int) -> Iterable[tuple[str, str]]:
        if self._typed.magic == "dialogue":
            return _subcommands() if place == 0 else _ids() if place == 1 else ()
        if place == 0:
            return _commands_of(self._typed.magic)
        actions = [action for action in self._parser._actions if not action.option_strings]  # noqa: SLF001 - as above
        action = actions[min(place, len(actions)) - 1] if actions else None
        return self._values(action, self._typed.stub) if action and (place <= len(actions) or action.nargs == "+") else ()

    def _commands(self) -> Iterable[str]:
        """Return what the first word of a magic may be, where it is one of a few."""
        return next((action.choices or () for action in self._parser._actions if action.dest == "command"), ())  # noqa: SLF001 - as above

    def _options(self) -> Iterator[tuple[str, str]]:
        """Yield the options that the line does not have yet, those that repeat always."""
        from workbench.notebook.commands import takes

        subcommand = self._plain[0] if self._plain and self._typed.magic == "dialogue" else None
        taken = {self._actions[word].dest for word in self._typed.words if word in self._actions}
        for name, action in self._actions.items():
            repeats = isinstance(action.default, list)
            if name.startswith("--") and (repeats or action.dest not in taken) and takes(subcommand, action.dest):
                yield name, _help(action, subcommand)

    def _values(self, action: Action, stub: str) -> Iterable[tuple[str, str]]:
        what = action.dest
        if what == "participant" and "=" not in stub:
            return ((f"{role}=", hint) for role, hint in self._roles())
        if what == "parameters" and (mode := self._mode()):
            return ((f"{name}=", f"{value} by default") for name, value in mode.parameters.items())
        if what == "name" and self._plain[:1] == ["open"]:
            return _files(stub, (".zip",), "bundle")
        if what in _FILES:
            return _files(stub, *_FILES[what])
        if what in _NAMED:
            return _NAMED[what]()
        return ((value, what) for value in action.choices or _fixed(what))

    def _roles(self) -> Iterator[tuple[str, str]]:
        """Yield the roles of the mode, or of the dialogue, that the line names."""
        from workbench.dialogue.planning.compiling import compile_mode

        mode = self._mode()
        if mode is None:
            return
        roles = mode.roles | compile_mode(mode).roles
        for name, spec in roles.items():
            yield name, spec.description or "role"

    def _mode(self) -> Mode | None:
        from workbench.dialogue.rules.loader import ModeLoader
        from workbench.dialogue.rules.mode import Mode

        if self._typed.kind == "cell":
            return ModeLoader(_settings().mode_folders).load(self._plain[0]) if self._plain else None
        named = self._plain[1:] if self._subcommands else self._plain
        run = _run_of(named[0].partition("@")[0]) if named else None
        return Mode.model_validate(run["mode"]) if run else None


def _parser(shell: InteractiveShell, typed: _Typed) -> Any:
    """Return the parser of a line; of `%paper` and `%experiment`, that of its subcommand."""
    from workbench.notebook import experiment, paper

    name = typed.words[0] if typed.words else ""
    if typed.magic == "paper" and name in paper.COMMANDS:
        return paper.COMMANDS[name].parser()
    if typed.magic == "experiment" and name in experiment.COMMANDS:
        return experiment.command_parser(name)
    if typed.magic in ("paper", "experiment"):
        return ArgumentParser(add_help=False)
    return shell.magics_manager.magics[typed.kind][typed.magic].parser


def _commands_of(magic: str) -> list[tuple[str, str]]:
    """Return the subcommands of `%paper` or `%experiment`, and what they do."""
    from workbench.notebook import experiment, paper

    if magic == "paper":
        return [(name, command.help) for name, command in paper.COMMANDS.items()]
    return list(experiment.COMMANDS.items())


def _experiments() -> list[tuple[str, str]]:
    """Return the names of the experiments that the workspace defines or the record has, and `last`."""
    with _glance() as record:
        kept = record.experiments(_SHOWN) if record else []
    written = sorted(path.parent.name for path in (_settings().workspace / "experiments").glob("*/experiment.yaml"))
    named = [(name, "experiment") for name in dict.fromkeys([*kept, *written])]
    return [*named, ("last", "the newest run")] if kept else named


def _settings() -> Settings:
    from workbench.settings import load_settings

    return load_settings()


def _modes() -> list[tuple[str, str]]:
    from workbench.dialogue.rules.loader import ModeLoader

    return [(name, "mode") for name in ModeLoader(_settings().mode_folders).names()]


def _files(stub: str, endings: tuple[str, ...], hint: str) -> list[tuple[str, str]]:
    """Return the files that a path may lead to, and the folders on the way, spelled as the stub begins."""
    folder = stub[: stub.rfind("/") + 1]
    here = Path(folder).expanduser() if folder else Path()
    inside = sorted(here.iterdir()) if here.is_dir() else []
    files = [(f"{folder}{path.name}", hint) for path in inside if path.suffix in endings]
    folders = [(f"{folder}{path.name}/", "folder") for path in inside if path.is_dir() and path.name[0] not in "._"]
    return [*files, *(folders if stub else ())]


def _models() -> list[tuple[str, str]]:
    from workbench.models.registry import ModelRegistry

    registry = ModelRegistry(_settings())
    return [(name, registry.get(name).description or "model") for name in registry.names]


def _help(action: Action, subcommand: str | None) -> str:
    """Return what an option does, in a few words; for a subcommand, what it does there."""
    parts = [part.strip() for part in (action.help or "").split(";")]
    for part in parts:
        subcommands, _, help_ = part.partition(": ")
        if subcommand in subcommands.split(", "):
            return help_
    return parts[0]


def _fixed(option: str) -> tuple[str, ...]:
    """Return the values of an option that takes one of a few."""
    from workbench.notebook.commands import BY, FORMATS, STATUSES
    from workbench.notebook.find import KINDS, SORTS
    from workbench.notebook.usage import GROUPINGS
    from workbench.routing.policy import POLICIES

    policies = (*POLICIES, "fixed:")
    few = {
        "status": STATUSES,
        "format": FORMATS,
        "grouping": BY,
        "costs_by": GROUPINGS,
        "policy": policies,
        "kind": KINDS,
        "sort": SORTS,
    }
    few["level"] = ("debug", "info", "warning", "error")
    return few.get(option, ())


def _subcommands() -> list[tuple[str, str]]:
    from workbench.notebook.commands import SUBCOMMANDS

    return [(name, "subcommand") for name in SUBCOMMANDS]


def _glance() -> AbstractContextManager[Reader | None]:
    """Look into the record of the workspace; another process that holds it is not waited for."""
    from workbench.records.queries import glance

    return glance(_settings().record_url, _PATIENCE)


def _ids() -> list[tuple[str, str]]:
    """Return the newest dialogues' ids, with their topics, and `last`."""
    with _glance() as record:
        rows = record.summaries(_SHOWN, None) if record else []
    named = [(row.id, " ".join(f"{row.mode}: {row.topic}".split())[:60]) for row in rows]
    return [*named, ("last", "the newest dialogue")] if named else []


def _pulls(place: int) -> list[tuple[str, str]]:
    """Return the services that `%pull` knows, then what it can bring."""
    from workbench.observe.pull.asking import SERVICES
    from workbench.observe.pull.service import KINDS

    offered = {0: SERVICES, 1: KINDS}.get(place, ())
    return [(name, "pull") for name in offered]


def _targets(said: list[str]) -> list[tuple[str, str]]:
    """Return the targets of the sync that the line does not name yet, and `status`."""
    from workbench.observe.sync.targets import NAMES

    return [*((name, "target") for name in NAMES if name not in said), *(() if said else (("status", "how far it is"),))]


def _papers() -> list[tuple[str, str]]:
    """Return the newest papers' ids, with their titles, and `last`."""
    with _glance() as record:
        found = record.papers(_SHOWN) if record else []
    named = [(paper, title[:60]) for paper, title in found]
    return [*named, ("last", "the newest paper")] if named else []


def _points(stub: str) -> list[tuple[str, str]]:
    """Return `ID@TURN` for the complete turns of the dialogue that stands before the @."""
    dialogue = stub.partition("@")[0]
    with _glance() as record:
        _, rows = record.rows("turns", dialogue) if record else (None, ())
    return [(f"{dialogue}@{row.turn}", f"{row.role}: {row.model}") for row in rows if row.status == Status.COMPLETED]


def _run_of(dialogue: str) -> dict[str, Any] | None:
    """Return the run of the one dialogue that an id, its beginning, or `last` means."""
    with _glance() as record:
        return record.summary(dialogue).run if record else None


_NAMED: Final[Mapping[str, Callable[[], list[tuple[str, str]]]]] = {
    **dict.fromkeys(("participant", "models", "judge", "referee", "baseline", "candidates", "model"), _models),
    "mode": _modes,
    "resume": _ids,
    "paper": _papers,
    "name": _experiments,
}
"""Option to what its values are the names of."""
_FILES: Final = {"cassette": ((".jsonl",), "cassette"), "what": ((".pdf",), "PDF")}
"""Option to the endings of its files, and what they are."""
