"""What a subcommand of `%paper` consists of, and how its line is read."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from IPython.core.error import UsageError

from workbench.notebook.paper.desk import Desk


class Parser(argparse.ArgumentParser):
    """Reads the line of a subcommand; what is wrong is a `UsageError` that shows the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
        raise UsageError(f"{self.prog}: {message}\n  {usage}\n  `{self.prog} --help` has examples.")


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand.

    Attributes:
        name: as it is typed.
        help: one line.
        run: does it, and returns what the cell shows.
        arguments: adds them to the parser. A destination `paper` is completed with papers, `models` with models.
        examples: whole lines.
        long: whether it may take more than a moment.
    """

    name: str
    help: str
    run: Callable[[Desk, argparse.Namespace], Any]
    arguments: Callable[[Parser], None]
    examples: tuple[str, ...] = ()
    long: bool = False

    def parser(self) -> Parser:
        """Return the parser of its line."""
        parser = Parser(
            prog=f"%paper {self.name}",
            description=self.help,
            epilog="\n".join(["examples:", *(f"  {example}" for example in self.examples)]) if self.examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.arguments(parser)
        parser.add_argument("-h", "--help", action="store_true", help="show this")
        return parser

    def read(self, rest: str) -> argparse.Namespace | None:
        """Return what stands behind the subcommand; None where help is asked for.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            words = shlex.split(rest)
        except ValueError:
            raise UsageError(
                f"%paper {self.name}: a quotation mark or apostrophe has no other half\n"
                '  Put the text between double quotes: "What\'s new about it?"'
            ) from None
        if "-h" in words or "--help" in words:
            return None
        return self.parser().parse_args(words)


def add_paper(parser: Parser) -> None:
    """Add the paper that a command is about, its first word."""
    parser.add_argument("paper", metavar="ID", help="a paper: its id, the beginning of it, an arXiv id, a DOI, or last")


def add_model(parser: Parser, does: str) -> None:
    """Add what dialogues take: who speaks, what may be spent, and which endpoint is asked.

    Args:
        parser: of the command.
        does: what the model does, for the help.
    """
    parser.add_argument("-m", "--models", type=names, default=[], metavar="MODEL", help=f"who {does}")
    parser.add_argument("--budget", type=float, metavar="USD", help="stop before this much is spent")
    parser.add_argument("--api-base", metavar="URL", help="OpenAI-compatible endpoint for a model named by id")


def add_output(parser: Parser, what: str) -> None:
    """Add the variable that a result is bound to."""
    parser.add_argument("-o", "--output", metavar="NAME", help=f"variable that {what} is bound to")


def names(text: str) -> list[str]:
    """Return names that stand with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]
