"""From what is told to lines in a file and on stderr, by way of structlog: blank secrets, render, write.

The processors are ours alone: nothing is configured for the whole process, so an application that uses structlog itself keeps
its own setting.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TextIO

from workbench.dialogue.export.facts import visible
from workbench.errors import redact
from workbench.events.listening import Told, install, report
from workbench.observe.logs.files import LogFile
from workbench.observe.logs.foreign import quiet_others
from workbench.observe.logs.lines import FIRST, LEVELS, line_of

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from workbench.settings import LogSettings, Settings

_LONGEST: Final = 50_000
"""Characters of one text in a line; the rest is counted."""
_PLAIN: Final = (str, int, float, type(None))
_books: Final[dict[Any, Book]] = {}
_latest: Final[list[Book]] = []


def hear(told: Told) -> None:
    """Write the line about an event or incident, to the log of the workspace that it belongs to.

    An incident of which nobody knows the workspace goes to the log that this process wrote to last.
    """
    book = _book_of(told.settings) if told.settings is not None else next(iter(_latest), None)
    if book is not None:
        _latest[:] = [book]
        book.write(told)


def logger(name: str, settings: Settings | None = None) -> FilteringBoundLogger:
    """Return a structlog logger whose lines go where those about dialogues go; no caller waits for them.

    Args:
        name: the field `logger` of its lines.
        settings: of the workspace; by default, the log that this process wrote to last.

    >>> logger("my.notebook").info("cleaned", rows=3)
    """
    import structlog

    install()
    made: FilteringBoundLogger = structlog.wrap_logger(
        _Reporter(settings), processors=[_as_arguments], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return made.bind(logger=name)


class _Reporter:
    """Hands lines to the listeners' queues instead of writing them."""

    def __init__(self, settings: Settings | None) -> None:
        self._settings = settings

    def _report(self, event: str, level: str, fields: Mapping[str, Any]) -> None:
        report(event, level=level, settings=self._settings, **fields)

    debug = info = warning = error = critical = _report


def _as_arguments(_logger: object, method: str, fields: MutableMapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    level = {"critical": "error"}.get(method, method)
    event = str(fields.pop("event", ""))
    return (event, level, {key: value for key, value in fields.items() if key not in ("name", "level", "settings")}), {}


class Book:
    """A workspace's log."""

    def __init__(self, settings: Settings) -> None:
        log, file = settings.log, settings.log_file
        self._least, self._prompts = LEVELS[log.level], log.prompts
        self._blank = blank_with(log.redact)
        self._loggers: list[Any] = []
        if file is not None:
            self._loggers.append(self._logger(_Pages(LogFile(file, int(log.megabytes * 1e6), log.files)), "json"))
        if log.stderr:
            self._loggers.append(self._logger(_Stream(sys.stderr), log.format))

    def write(self, told: Told) -> None:
        """Write what is told, everywhere; a place that fails does not keep it from the next."""
        level, event, fields = line_of(told, prompts=self._prompts)
        number = LEVELS.get(level, LEVELS["info"])
        if number < self._least:
            return
        failure: Exception | None = None
        for each in self._loggers:
            try:
                each.log(number, event, **fields)
            except OSError as error:
                failure = error
        if failure is not None:
            raise failure

    def _logger(self, sink: object, form: str) -> Any:
        import structlog

        return structlog.wrap_logger(
            sink,
            processors=[structlog.stdlib.add_log_level, _in_order, self._blank, _renderer(form)],
            wrapper_class=structlog.make_filtering_bound_logger(self._least),
            context_class=dict,
            cache_logger_on_first_use=True,
        )


class _Pages:
    def __init__(self, file: LogFile) -> None:
        self._file = file

    def _put(self, line: str) -> None:
        self._file.append(line)

    debug = info = warning = error = _put


class _Stream:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def _put(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    debug = info = warning = error = _put


def _book_of(settings: Settings) -> Book | None:
    log: LogSettings = settings.log
    if log.level == "off":
        return None
    key = (settings.workspace, log)
    if key not in _books:
        quiet_others()
        _books[key] = Book(settings)
    return _books[key]


def _in_order(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> dict[str, Any]:
    first = {name: fields[name] for name in FIRST if name in fields}
    return first | dict(fields)


def blank_with(patterns: tuple[str, ...]) -> Callable[..., dict[str, Any]]:
    """Return a processor that blanks keys, everything shaped like one, and what patterns match, wherever it stands."""
    compiled = [re.compile(pattern) for pattern in patterns]

    def text(value: str) -> str:
        value = redact(value)
        for pattern in compiled:
            value = pattern.sub("[redacted]", value)
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value) - _LONGEST} more)"

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {text(str(key)): plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(item) for item in value]
        return text(str(value))

    def untouched(fields: Mapping[str, Any]) -> bool:
        """Whether plainly nothing is to be blanked: one look at all texts together, as most lines need no more."""
        if compiled or not all(isinstance(value, _PLAIN) for value in fields.values()):
            return False
        together = "\0".join([*fields, *(value for value in fields.values() if isinstance(value, str))])
        return len(together) <= _LONGEST and redact(together) == together

    def processor(_logger: object, _method: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return dict(fields) if untouched(fields) else {text(key): plain(value) for key, value in fields.items()}

    return processor


@cache
def _renderer(form: str) -> Callable[..., Any]:
    import structlog

    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)

    def render(logger: object, method: str, fields: dict[str, Any]) -> str:
        shown = {name: visible(value) if isinstance(value, str) else value for name, value in fields.items()}
        return str(console(logger, method, shown))

    return render
