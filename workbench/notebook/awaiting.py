"""Cells that await: `%%dialogue …` becomes `await …`, so that the kernel handles buttons while the cell runs.

IPython has no asynchronous magics, but it runs cells with a top-level `await`. An input transformer rewrites a cell that is
nothing but a dialogue. Inside another magic (`%%time`, `%%capture`) and in a terminal nothing is rewritten, and the plain
magic, which blocks, does the work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from workbench.notebook.helping import asks_for_help

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_CELL: Final = re.compile(r"%%dialogue(?:[ \t]+(?P<line>.*))?$")
_LINE: Final = re.compile(
    r"(?P<bound>[A-Za-z_]\w*[ \t]*=[ \t]*)?"
    r"%(?P<magic>dialogue(?=[ \t]+resume\b)|fork|paper|pull|sync|find"
    r"|experiment(?=[ \t]+(?:run|resume|retry|gallery|power|compare|report|reproduce|bundle|open)\b))[ \t]+(?P<line>.*)$"
)
_METHODS: Final = {
    "dialogue": ("CommandMagics", "resume_async"),
    "fork": ("ForkMagics", "fork_async"),
    "paper": ("PaperMagics", "paper_async"),
    "experiment": ("ExperimentMagics", "experiment_async"),
    "pull": ("PullMagics", "pull_async"),
    "sync": ("SyncMagics", "sync_async"),
    "find": ("FindMagics", "find_async"),
}
"""Line magic to the method that awaits what it starts."""


_QUESTION: Final = re.compile(
    r"%(?P<magic>dialogue(?=[ \t]+(?:answer|approve|interject|call-on)\b)|find(?=[ \t]+\S)|paper(?=[ \t]+[\w-]+[ \t]))"
    r"[ \t]+(?P<line>.*\?)[ \t]*$"
)
"""What somebody says in a dialogue or asks a paper may end with a question mark, which to IPython asks for help."""


def install(shell: InteractiveShell) -> None:
    """Rewrite the cells of a kernel, since other shells await nothing; and what would be taken for a question to IPython."""
    if getattr(shell, "kernel", None) is not None:
        shell.input_transformers_cleanup.append(_Rewrite(shell))
    shell.input_transformers_cleanup.append(_spoken)


async def run_cell(line: str, cell: str) -> None:
    """Run `%%dialogue`; the rewritten cell calls this."""
    await _magics("DialogueMagics").dialogue_async(line, cell)


async def run_line(magic: str, line: str) -> Any:
    """Run a line magic that awaits, such as `%dialogue resume` or `%paper`, and return what it gives; rewritten cells call it.

    Variables of the cell stand for their values.
    """
    name, method = _METHODS[magic]
    expanded = _shell().var_expand(line, depth=1)
    return await getattr(_magics(name), method)(expanded)


def _spoken(lines: list[str]) -> list[str]:
    """Return the lines with what people say in a dialogue, or ask a paper, kept from being read as a request for help."""
    if "".join(lines).lstrip().startswith("%%"):
        return lines
    found = [(line, _QUESTION.fullmatch(line.rstrip("\n"))) for line in lines]
    run = "get_ipython().run_line_magic"
    return [f"{run}({match['magic']!r}, {match['line'].strip()!r})\n" if match else line for line, match in found]


def _magics(name: str) -> Any:
    return _shell().magics_manager.registry[name]


def _shell() -> Any:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    assert shell is not None
    return shell


class _Rewrite:
    """The transformer. IPython may ask it while one types, so it only looks at text."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell

    def __call__(self, lines: list[str]) -> list[str]:
        text = "".join(lines)
        first, _, rest = text.lstrip("\n").partition("\n")
        first = first.rstrip()
        helps = asks_for_help(first) or (first.endswith("?") and not _QUESTION.fullmatch(first))
        if helps or not self._shell.autoawait or not self._is_whole_cell(text):
            return lines
        if found := _CELL.fullmatch(first):
            return [
                f"await __import__('workbench.notebook.awaiting', fromlist=['']).run_cell({found['line'] or ''!r}, {rest!r})\n"
            ]
        if (found := _LINE.fullmatch(first)) and not rest.strip():
            asked = f"{found['magic']!r}, {found['line']!r}"
            awaited = f"await __import__('workbench.notebook.awaiting', fromlist=['']).run_line({asked})"
            return [f"{found['bound'] or ''}{awaited}\n"]
        return lines

    def _is_whole_cell(self, text: str) -> bool:
        """Whether this is what the client sent, and not the body of another magic."""
        request = self._shell.kernel.get_parent("shell") or {}
        code = request.get("content", {}).get("code", "")
        return bool(code.strip() == text.strip())
