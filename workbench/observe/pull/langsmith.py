"""What LangSmith tells, through its own SDK.

Of a prompt only the texts are read; nothing of it is loaded as code. Human feedback is what was given in LangSmith's pages;
what it is about is in the metadata of its run, which the sync wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError, redact, register_secret
from workbench.observe.pull.service import Dataset, Item, Message, Prompt, PullError, Score, Style
from workbench.observe.sync.langsmith.runs import DIALOGUE, TURN

if TYPE_CHECKING:
    from langsmith import Client

_TIMEOUT: Final = (10_000, 30_000)
"""Milliseconds to connect, and of silence."""
_BATCH: Final = 100
_PEOPLE: Final = "app"
"""Where people's feedback comes from; that of programs is `api`, of models `model`."""
_WORDS: Final = 300
_ROLES: Final = {"SystemMessage": "system", "HumanMessage": "user", "AIMessage": "assistant"}
_NO_TEXT: Final = "Only prompts of text messages become modes: change it, or write the mode by hand."


def from_environment() -> LangSmithService:
    """Return LangSmith as the environment names it.

    Raises:
        SettingsError: there is no key.
    """
    key = os.environ.get("LANGSMITH_API_KEY", "").strip()
    if not key:
        raise SettingsError("langsmith is not set up.", hint="Set LANGSMITH_API_KEY, in the environment or in .env.")
    endpoint, workspace = (os.environ.get(f"LANGSMITH_{name}", "").strip() for name in ("ENDPOINT", "WORKSPACE_ID"))
    return LangSmithService(endpoint or "https://api.smith.langchain.com", key, workspace or None)


class LangSmithService:
    """LangSmith; `Service` has the methods.

    Args:
        endpoint: of the API.
        api_key: sent with every request.
        workspace_id: for keys that are good for several workspaces.
    """

    title = "LangSmith"

    def __init__(self, endpoint: str, api_key: str, workspace_id: str | None = None) -> None:
        from langsmith import Client

        register_secret(api_key)
        self._client: Client = Client(
            api_url=endpoint.rstrip("/"),
            api_key=api_key,
            workspace_id=workspace_id,
            timeout_ms=_TIMEOUT,
            auto_batch_tracing=False,
            disable_prompt_cache=True,
        )

    def dataset(self, name: str) -> Dataset:
        """Return a data set by name."""
        with _told(f"a data set {name!r}"):
            found = self._client.read_dataset(dataset_name=name)
        return Dataset(name, self._items(str(found.id), name), str(found.modified_at or ""))

    def prompt(self, name: str, version: str = "") -> Prompt:
        """Return a prompt by name, the newest or a commit (or tag) of it."""
        with _told(f"a prompt {name!r}"):
            asked = f"{name}:{version}" if version else name
            commit = self._client.pull_prompt_commit(asked, include_model=True, dangerously_pull_public_prompt=True)
        messages, style, model, config = _read(commit.manifest)
        return Prompt(name, commit.commit_hash[:8], tuple(messages), style, model, config)

    def scores(self, since: float | None) -> Iterator[Score]:
        """Yield what people have said in LangSmith's pages, all or from a time on."""
        asked: dict[str, Any] = {"source": [_PEOPLE]}
        if since is not None:
            asked["min_created_at"] = datetime.fromtimestamp(since, UTC).isoformat()
        with _told("feedback"):
            scales = {each.feedback_key: each.feedback_config for each in self._client.list_feedback_configs()}
            given = self._client.list_feedback(**asked)
            while some := list(islice(given, _BATCH)):
                about = self._metadata([str(each.run_id) for each in some if each.run_id])
                for each in some:
                    if each.feedback_source is not None and each.feedback_source.type == _PEOPLE:
                        yield _score(each, about.get(str(each.run_id), {}), scales.get(each.key) or {})

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _items(self, dataset: str, name: str) -> Iterator[Item]:
        with _told(f"a data set {name!r}"):
            for each in self._client.list_examples(dataset_id=dataset):
                yield Item(str(each.id), each.inputs or {}, each.outputs, each.metadata or {})

    def _metadata(self, runs: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the metadata of runs by their ids."""
        if not runs:
            return {}
        body = {"id": list(dict.fromkeys(runs)), "select": ["id", "extra"], "limit": len(runs)}
        found = self._client.request_with_retries("POST", "/runs/query", json=body).json()["runs"]
        return {str(run["id"]): (run.get("extra") or {}).get("metadata") or {} for run in found}


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what went wrong, and what to do about it."""
    from langsmith import utils

    try:
        yield
    except utils.LangSmithNotFoundError:
        raise PullError(f"LangSmith has no {what.removeprefix('a ')}.", hint="Its pages show what there is.") from None
    except utils.LangSmithAuthError:
        hint = "Check LANGSMITH_API_KEY and LANGSMITH_WORKSPACE_ID."
        raise PullError("LangSmith does not take the key.", hint=hint) from None
    except (utils.LangSmithConnectionError, utils.LangSmithRequestTimeout) as error:
        raise PullError(f"LangSmith does not answer: {_words(error)}", hint="Check LANGSMITH_ENDPOINT.") from None
    except (utils.LangSmithError, OSError, ValueError, KeyError) as error:
        raise PullError(f"LangSmith does not give {what}: {_words(error)}") from None


def _words(error: Exception) -> str:
    return redact(" ".join(str(error).split()))[:_WORDS] or type(error).__name__


def _score(feedback: Any, about: Mapping[str, Any], scale: Mapping[str, Any]) -> Score:
    source = feedback.feedback_source
    ends = [float(each["value"]) for each in scale.get("categories") or [] if each.get("value") is not None]
    least, most = (min(ends), max(ends)) if ends else (scale.get("min"), scale.get("max"))
    return Score(
        id=str(feedback.id),
        name=feedback.key,
        dialogue=str(about.get(DIALOGUE) or ""),
        turn=str(about[TURN]) if about.get(TURN) else None,
        value=feedback.score,
        least=least,
        most=most,
        by=source.user_name or str(source.user_id or ""),
        comment=feedback.comment or "",
        label=feedback.value if isinstance(feedback.value, str) else "",
    )


def _read(manifest: Any) -> tuple[list[Message], Style, str, dict[str, Any]]:
    """Return messages, style, model and its settings of a prompt as LangChain writes it down."""
    kind, given = _made(manifest)
    if kind == "RunnableSequence":
        messages, style, _, _ = _read(given.get("first"))
        return messages, style, *_model(given.get("last"))
    if kind in ("ChatPromptTemplate", "StructuredPrompt"):
        read = [_message(each) for each in given.get("messages") or []]
        styles = {style for _, style in read if style is not None}
        if len(styles) > 1:
            raise PullError("The prompt mixes mustache and f-string templates.", hint=_NO_TEXT)
        one: Style = styles.pop() if styles else "f-string"
        return [_plain(message, one) if style is None else message for message, style in read], one, "", {}
    if kind == "PromptTemplate":
        text, style = _template(given)
        return [Message("user", text)], style, "", {}
    raise PullError(f"The prompt is a {kind or type(manifest).__name__}.", hint=_NO_TEXT)


def _message(manifest: Any) -> tuple[Message, Style | None]:
    """Return a message with the style of its template; None where it is none."""
    kind, given = _made(manifest)
    role = _ROLES.get(kind.removesuffix("PromptTemplate"))
    if role is None:
        raise PullError(f"The prompt has a {kind or type(manifest).__name__}.", hint=_NO_TEXT)
    if not kind.endswith("PromptTemplate"):
        return Message(role, str(given.get("content") or "")), None
    inner = given.get("prompt")
    read = [_template(_made(each, "PromptTemplate")[1]) for each in (inner if isinstance(inner, list) else [inner])]
    return Message(role, "\n".join(text for text, _ in read)), read[0][1]


def _plain(message: Message, style: Style) -> Message:
    """Return a message that is no template as one."""
    if style == "f-string":
        return Message(message.role, message.text.replace("{", "{{").replace("}", "}}"))
    if "{{" in message.text:
        raise PullError("The prompt has {{ in a message that is no template.", hint=_NO_TEXT)
    return message


def _template(given: Mapping[str, Any]) -> tuple[str, Style]:
    form = given.get("template_format") or "f-string"
    if given.get("partial_variables"):
        raise PullError("The prompt has variables that are filled in beforehand.", hint="Write their values into the text.")
    if form == "mustache":
        return str(given.get("template") or ""), "mustache"
    if form == "f-string":
        return str(given.get("template") or ""), "f-string"
    raise PullError(f"The prompt is written in {form}.", hint="f-string and mustache templates become modes.")


def _made(manifest: Any, wanted: str = "") -> tuple[str, Mapping[str, Any]]:
    """Return the class that a manifest names, and its arguments."""
    named = manifest.get("id") if isinstance(manifest, Mapping) else None
    kind = str(named[-1]) if isinstance(named, list) and named else ""
    given = manifest.get("kwargs") if isinstance(manifest, Mapping) else None
    if wanted and kind != wanted:
        raise PullError(f"The prompt has a {kind or type(manifest).__name__} in a message.", hint=_NO_TEXT)
    return kind, given if isinstance(given, Mapping) else {}


def _model(manifest: Any) -> tuple[str, dict[str, Any]]:
    _, given = _made(manifest)
    bound = _made(given["bound"])[1] if "bound" in given else given
    config = {name: bound[name] for name in ("temperature", "top_p", "max_tokens", "stop") if bound.get(name) is not None}
    return str(bound.get("model") or bound.get("model_name") or ""), config
