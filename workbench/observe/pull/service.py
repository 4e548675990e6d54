"""What a service that is pulled from must be able to tell, in words that belong to none of them.

Every method blocks while it asks (the SDKs do): `asking` calls them off the event loop, with a time limit. The module of a
service (`langfuse`, `langsmith`) has a function `from_environment()`, which returns its `Service`, made from the environment
variables that the service's own tools read, or raises a `SettingsError` that names them; it imports the SDK, and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from workbench.errors import WorkbenchError

KINDS: Final = ("dataset", "prompt", "scores")
"""What can be pulled."""
Style = Literal["mustache", "f-string"]


class PullError(WorkbenchError):
    """Something cannot be brought here: the text names it, the hint the way out."""


@dataclass(frozen=True, slots=True)
class Item:
    """One example of a data set.

    Attributes:
        id: the service's.
        input: what is asked; JSON values.
        expected: the right answer; None where there is none.
        metadata: what else is known of it.
    """

    id: str
    input: Any
    expected: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set.

    Attributes:
        name: the service's.
        items: in the service's order; asked for page by page while it is read, so reading it blocks.
        version: what tells this state of it from others; empty where the service does not say.
    """

    name: str
    items: Iterator[Item]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt: `role` is system, user or assistant (in OpenAI's words), `text` its template."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt.

    Attributes:
        name: the service's.
        version: number or commit.
        messages: in order; a prompt of plain text is one message of the user.
        style: how variables stand in the texts: `{{name}}` (mustache) or `{name}` (f-string).
        model: that it was written for, as the service says; empty without.
        config: sampling that stands beside it (temperature, max_tokens …).
    """

    name: str
    version: str
    messages: tuple[Message, ...]
    style: Style
    model: str = ""
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """What a person has said, in the service, of something that the sync has sent there.

    No score of a machine, and none that the sync itself has sent, is one.

    Attributes:
        id: the service's.
        name: of the score: `helpfulness`.
        dialogue: id of the dialogue that it is about, from what the sync has written to the trace; empty where the service
            has something there that is not from a workbench: it is counted and left.
        turn: id of the turn; None where the whole dialogue is meant.
        value: a number or yes/no; None where it has only words.
        least, most: the ends of the scale, from the service's configuration of the score; None where it says none.
        by: who said so, by name where the service tells it, else by id; empty where it does not.
        comment: why.
        label: the word of a score that is a choice of words.
    """

    id: str
    name: str
    dialogue: str
    turn: str | None
    value: float | bool | None
    least: float | None = None
    most: float | None = None
    by: str = ""
    comment: str = ""
    label: str = ""


class Service(Protocol):
    """A service that is pulled from. Methods raise `PullError` with cause and way out.

    Attributes:
        title: what people see, and what is written behind the name of who scored: `Langfuse`, `LangSmith`.
    """

    title: str

    def dataset(self, name: str) -> Dataset:
        """Return a data set by name."""

    def prompt(self, name: str, version: str = "") -> Prompt:
        """Return a prompt by name, the newest or a version (number, label or commit) of it."""

    def scores(self, since: float | None) -> Iterator[Score]:
        """Yield people's scores, all or those made or changed from a time on (Unix seconds)."""

    def close(self) -> None:
        """Let go of connections."""


_FROM: Final = " via "


def signed(score: Score, title: str) -> str:
    """Return the name under which a score is kept as a rating: `Ada: helpfulness via LangSmith`.

    One person may give a turn several scores, and each is a word of its own; so is one of the whole dialogue.
    """
    what = score.name if score.turn else f"{score.name} of the dialogue"
    return f"{score.by or 'somebody'}: {what}{_FROM}{title}"


def came_from(by: str, title: str) -> bool:
    """Whether a rating was pulled from a service: the sync must not send it back there.

    >>> came_from("Ada: helpfulness via LangSmith", "LangSmith")
    True
    """
    return by.endswith(_FROM + title)
