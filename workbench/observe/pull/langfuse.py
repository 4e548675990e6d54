"""What Langfuse tells, through its own SDK's client of the API.

People's scores are those that were given in Langfuse's pages (`ANNOTATION`); what they are about is in the metadata of their
observations, which the sync wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from workbench.errors import SettingsError, redact, register_secret
from workbench.observe.pull.service import Dataset, Item, Message, Prompt, PullError, Score

if TYPE_CHECKING:
    from langfuse.api.client import LangfuseAPI

_CLOUD: Final = "https://cloud.langfuse.com"
_PAGE: Final = 100
_OBSERVATIONS: Final = 1000
_PEOPLE: Final = "ANNOTATION"
"""Where people's scores come from; those of programs are `API`, those of Langfuse's judges `EVAL`."""
_TIMEOUT: Final = 30.0
"""Seconds of silence."""
_WORDS: Final = 300
_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "model": "assistant"}
_SAMPLING: Final = ("temperature", "top_p", "max_tokens", "stop")


def from_environment() -> LangfuseService:
    """Return Langfuse as the environment names it.

    Raises:
        SettingsError: a key is missing.
    """
    public, secret = (os.environ.get(f"LANGFUSE_{name}_KEY", "").strip() for name in ("PUBLIC", "SECRET"))
    if not (public and secret):
        hint = "Set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, in the environment or in .env."
        raise SettingsError("langfuse is not set up.", hint=hint)
    base = next((found for name in ("BASE_URL", "HOST") if (found := os.environ.get(f"LANGFUSE_{name}", "").strip())), _CLOUD)
    return LangfuseService(base, public, secret)


class LangfuseService:
    """Langfuse; `Service` has the methods.

    Args:
        base_url: such as `https://cloud.langfuse.com`.
        public_key: names the project, with the next.
        secret_key: sent with every request.
    """

    title = "Langfuse"

    def __init__(self, base_url: str, public_key: str, secret_key: str) -> None:
        from langfuse.api.client import LangfuseAPI

        register_secret(secret_key)
        self._http = httpx.Client(timeout=_TIMEOUT)
        self._api: LangfuseAPI = LangfuseAPI(
            base_url=base_url.rstrip("/"),
            username=public_key,
            password=secret_key,
            x_langfuse_public_key=public_key,
            httpx_client=self._http,
        )
        self._scales: dict[str, Any] = {}
        self._traces: dict[str, dict[str, tuple[str, str | None]]] = {}

    def dataset(self, name: str) -> Dataset:
        """Return a data set by name; items that are archived are left out."""
        with _told(f"a data set {name!r}"):
            found = self._api.datasets.get(quote(name, safe=""))
        return Dataset(name, self._items(name), found.updated_at.isoformat())

    def prompt(self, name: str, version: str = "") -> Prompt:
        """Return a prompt by name: the version or label asked for, else that in production, else the latest."""
        from langfuse.api.commons.errors import NotFoundError

        with _told(f"a prompt {name!r}" + (f" of version {version}" if version else "")):
            if version:
                asked: dict[str, Any] = {"version": int(version)} if version.isdecimal() else {"label": version}
                found = self._api.prompts.get(quote(name, safe=""), **asked)
            else:
                try:
                    found = self._api.prompts.get(quote(name, safe=""))
                except NotFoundError:
                    found = self._api.prompts.get(quote(name, safe=""), label="latest")
        config = found.config if isinstance(found.config, dict) else {}
        messages = [Message("user", found.prompt)] if isinstance(found.prompt, str) else [_message(m) for m in found.prompt]
        drawn = {key: config[key] for key in _SAMPLING if config.get(key) is not None}
        return Prompt(name, str(found.version), tuple(messages), "mustache", str(config.get("model") or ""), drawn)

    def scores(self, since: float | None) -> Iterator[Score]:
        """Yield what people have said in Langfuse's pages, all or from a time on."""
        asked: dict[str, Any] = {"source": _PEOPLE, "fields": "details,annotation,subject", "limit": _PAGE}
        if since is not None:
            asked["from_timestamp"] = datetime.fromtimestamp(since, UTC)
        with _told("scores"):
            while True:
                page = self._api.scores.get_many(**asked)
                for each in page.data:
                    if each.source == _PEOPLE and each.data_type in ("NUMERIC", "BOOLEAN", "CATEGORICAL"):
                        yield self._score(each)
                if not page.meta.cursor:
                    return
                asked["cursor"] = page.meta.cursor

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _items(self, name: str) -> Iterator[Item]:
        page = 1
        while True:
            with _told(f"a data set {name!r}"):
                found = self._api.dataset_items.list(dataset_name=name, page=page, limit=_PAGE)
            for each in found.data:
                if each.status == "ACTIVE":
                    facts = each.metadata if isinstance(each.metadata, dict) else {"metadata": each.metadata}
                    yield Item(each.id, each.input, each.expected_output, {k: v for k, v in facts.items() if v is not None})
            if page >= found.meta.total_pages:
                return
            page += 1

    def _score(self, score: Any) -> Score:
        dialogue, turn = self._about(score.subject)
        value, least, most, label = self._value(score)
        return Score(
            id=score.id,
            name=score.name,
            dialogue=dialogue,
            turn=turn,
            value=value,
            least=least,
            most=most,
            by=score.author_user_id or "",
            comment=score.comment or "",
            label=label,
        )

    def _value(self, score: Any) -> tuple[float | bool | None, float | None, float | None, str]:
        """Return value, scale and word of a score."""
        scale = self._scale(score.config_id)
        if score.data_type != "CATEGORICAL":
            return score.value, getattr(scale, "min_value", None), getattr(scale, "max_value", None), ""
        marks = {each.label: float(each.value) for each in getattr(scale, "categories", None) or []}
        ends = (min(marks.values()), max(marks.values())) if marks else (None, None)
        return marks.get(score.value), *ends, str(score.value)

    def _scale(self, config: str | None) -> Any:
        if config and config not in self._scales:
            self._scales[config] = self._api.score_configs.get_by_id(config)
        return self._scales.get(config or "")

    def _about(self, subject: Any) -> tuple[str, str | None]:
        """Return dialogue and turn of what a score is about; neither where no workbench has sent it."""
        kind = subject.kind if subject else ""
        if kind not in ("observation", "trace"):
            return "", None
        trace = subject.id if kind == "trace" else subject.trace_id
        known = self._known(trace) if trace else {}
        return known.get("" if kind == "trace" else subject.id, ("", None))

    def _known(self, trace: str) -> dict[str, tuple[str, str | None]]:
        """Return dialogue and turn of the observations of a trace by their ids, and under "" those of the whole."""
        if trace not in self._traces:
            found: dict[str, tuple[str, str | None]] = {}
            asked: dict[str, Any] = {"trace_id": trace, "fields": "core,metadata", "limit": _OBSERVATIONS}
            while True:
                page = self._api.observations.get_many(**asked)
                for each in page.data:
                    facts = each.metadata or {}
                    dialogue, turn = str(facts.get("dialogue") or ""), facts.get("turn")
                    found[each.id] = dialogue, None if turn is None else str(turn)
                    if each.parent_observation_id is None:
                        found[""] = dialogue, None
                if not page.meta.cursor:
                    break
                asked["cursor"] = page.meta.cursor
            self._traces[trace] = found
        return self._traces[trace]


def _message(message: Any) -> Message:
    role = getattr(message, "role", None)
    if role is None:
        raise PullError(
            f"The prompt has a place for other messages ({getattr(message, 'name', '')}).",
            hint="Only prompts of text messages become modes: change it, or write the mode by hand.",
        )
    if role not in _ROLES:
        raise PullError(f"The prompt has a message of {role}.", hint=f"Roles that become modes: {', '.join(_ROLES)}.")
    return Message(_ROLES[role], message.content)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what went wrong, and what to do about it."""
    from langfuse.api.core.api_error import ApiError
    from pydantic import ValidationError

    keys = "Check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY."
    try:
        yield
    except ApiError as error:
        if error.status_code == httpx.codes.NOT_FOUND:
            raise PullError(f"Langfuse has no {what.removeprefix('a ')}.", hint="Its pages show what there is.") from None
        if error.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise PullError("Langfuse does not take the keys.", hint=keys) from None
        raise PullError(f"Langfuse does not give {what}: {error.status_code} {_words(error.body)}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PullError(f"Langfuse does not answer: {_words(error)}", hint="Check LANGFUSE_BASE_URL.") from None
    except ValidationError as error:
        words = f"{error.error_count()} of its fields are not what they should be"
        raise PullError(f"Langfuse's answer cannot be read: {words}.", hint="Upgrade langfuse, or the server.") from None


def _words(error: object) -> str:
    return redact(" ".join(str(error).split()))[:_WORDS] or type(error).__name__
