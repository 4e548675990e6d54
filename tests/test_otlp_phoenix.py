"""What Phoenix needs in the bytes, so that it shows a dialogue as one: found out from Phoenix 20.26, and held here."""

import json
from dataclasses import replace

import pytest
from experimenters import adder, careful, sums, workshop
from google.protobuf.json_format import MessageToDict
from langfuse_desk import parcels, sync
from langfuse_server import Langfuse
from record_examples import call, started, whole

from workbench.events import Call, CallEnded, CallStarted, DialogueEnded, Status, TurnCompleted, TurnFailed, TurnStarted
from workbench.observe.sync.otlp import OtlpTarget
from workbench.observe.sync.otlp.protobuf import unpacked
from workbench.records import Record
from workbench.records.rating import Rating

PROJECT = {"openinference.project.name": "lab"}
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Wet?"}]


@pytest.fixture
def record(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        yield record


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


def held(made: Call, over: object, status: Status = Status.COMPLETED) -> list:
    """A dialogue with a call, and how its turn and itself ended."""
    begun = TurnStarted(dialogue="d", seq=2, at=1.7e9, turn="a", index=1, role="pro", model="small", messages=MESSAGES)
    return [
        started("d"),
        begun,
        CallStarted(dialogue="d", seq=3, at=1.7e9, turn="a", call=made.id, model="small", attempt=1),
        CallEnded(dialogue="d", seq=4, at=1.7e9 + 2, turn="a", call=made),
        over,
        DialogueEnded(dialogue="d", seq=6, at=1.7e9 + 3, status=status, reason=made.error),
    ]


def answered(text: str = "It is.", **more: object) -> list:
    """A dialogue whose call answered so."""
    made = replace(call("d", 1), text=text, **more)
    return held(made, TurnCompleted(dialogue="d", seq=5, at=1.7e9 + 2, turn="a", text=text))


def sent(record: Record, events: list, resource: dict | None = PROJECT) -> dict:
    """The spans of a dialogue by their kind, with plain attributes."""
    record.write(events)
    (parcel,) = parcels(OtlpTarget("http://phoenix:6006", resource=resource), record, "dialogue", f"d@0-{events[-1].seq}")
    return {span["attributes"]["workbench.kind"]: span for span in map(plain, spans_of(unpacked(parcel.body)))}


def spans_of(request) -> list:
    return [span for whole in request.resource_spans for scope in whole.scope_spans for span in scope.spans]


def plain(span) -> dict:
    found = MessageToDict(span)
    return found | {"attributes": facts(found), "events": [e | {"attributes": facts(e)} for e in found.get("events", ())]}


def facts(holder: dict) -> dict:
    return {each["key"]: next(iter(each["value"].values())) for each in holder.get("attributes", ())}


def test_a_project_of_phoenix_is_enough_for_it_to_be_told_in_its_words(record):
    spans = sent(record, answered())
    kinds = {kind: span["attributes"]["openinference.span.kind"] for kind, span in spans.items()}
    assert kinds == {"dialogue": "CHAIN", "turn": "AGENT", "call": "LLM"}


def test_nobody_else_is_told_in_words_of_phoenix(record):
    for span in sent(record, answered(), resource=None).values():
        assert not [name for name in span["attributes"] if name.startswith(("openinference.", "llm.", "input.", "output."))]
        assert not span["status"] or span["status"].get("code") is None


def test_names_are_short_because_the_kind_stands_beside_them(record):
    assert {kind: span["name"] for kind, span in sent(record, answered()).items()} == {
        "dialogue": "debate",
        "turn": "a",
        "call": "small",
    }


def test_topic_prompt_and_answers_are_shown_as_text_and_messages_as_json(record):
    spans = sent(record, answered())
    shown = {
        kind: [span["attributes"].get(name) for name in ("input.value", "input.mime_type", "output.value", "output.mime_type")]
        for kind, span in spans.items()
    }
    assert shown["dialogue"] == ["Is water wet?", "text/plain", "It is.", "text/plain"]
    assert shown["turn"] == ["Wet?", "text/plain", "It is.", "text/plain"]
    assert json.loads(shown["call"].pop(0)) == MESSAGES
    assert shown["call"] == ["application/json", "It is.", "text/plain"], "without a type Phoenix takes the answer for JSON"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"wet": true}', "application/json"),
        ("[1] is a footnote", "text/plain"),
        ("[" * 9999, "text/plain"),
        ("", "text/plain"),
    ],
)
def test_only_what_is_json_is_shown_as_json(record, text, kind):
    assert sent(record, answered(text))["call"]["attributes"]["output.mime_type"] == kind


def test_thinking_stands_before_the_answer_in_one_message(record):
    chat = sent(record, answered(reasoning="Rain is."))["call"]["attributes"]
    said = {name: value for name, value in chat.items() if name.startswith("llm.output_messages.")}
    assert said == {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.contents.0.message_content.type": "reasoning",
        "llm.output_messages.0.message.contents.0.message_content.text": "Rain is.",
        "llm.output_messages.0.message.contents.1.message_content.type": "text",
        "llm.output_messages.0.message.contents.1.message_content.text": "It is.",
    }


def test_an_answer_without_thinking_is_a_message_of_text(record):
    chat = sent(record, answered())["call"]["attributes"]
    assert chat["llm.output_messages.0.message.content"] == "It is."
    assert [chat[f"llm.input_messages.{n}.message.content"] for n in (0, 1)] == ["Be brief.", "Wet?"]


def test_tokens_are_parts_of_prompt_and_completion(record):
    chat = sent(record, answered())["call"]["attributes"]
    counts = {name.removeprefix("llm.token_count."): int(chat[name]) for name in chat if name.startswith("llm.token_count.")}
    assert counts == {
        "prompt": 100,
        "completion": 20,
        "total": 120,
        "prompt_details.cache_read": 5,
        "prompt_details.cache_write": 0,
        "completion_details.reasoning": 3,
    }
    assert (chat["llm.model_name"], chat["llm.cost.total"]) == ("small-2026", 0.25)


def test_providers_go_by_the_names_that_services_know(record):
    chat = sent(record, answered(provider="gemini"))["call"]["attributes"]
    assert (chat["llm.provider"], chat["gen_ai.provider.name"]) == ("google", "gcp.gemini")


def test_what_went_well_is_ok(record):
    assert {span["status"]["code"] for span in sent(record, answered()).values()} == {"STATUS_CODE_OK"}


def test_a_failure_has_its_reason_and_its_kind_and_no_empty_answer(record):
    made = replace(call("d", 1), outcome="rate_limit", text="", error="too many", usage=None, cost=None, served=None)
    over = TurnFailed(dialogue="d", seq=5, at=1.7e9 + 2, turn="a", error="too many", kind="rate_limit")
    spans = sent(record, held(made, over, Status.FAILED))
    for span in spans.values():
        assert span["status"] == {"code": "STATUS_CODE_ERROR", "message": "too many"}
    (event,) = spans["call"]["events"]
    assert (event["name"], event["attributes"]) == (
        "exception",
        {"exception.type": "rate_limit", "exception.message": "too many"},
    )
    assert not [name for name in spans["call"]["attributes"] if name.startswith("llm.output_messages.")]


def test_a_rating_can_be_read(record, server):
    record.write(whole("d", 1))
    record.rate([Rating("d", "turn_1", "pro", "small", 0.25, "person", by="Ada", comment="thin", at=1.7e9)])
    sync(record, OtlpTarget(server.url, resource=PROJECT))
    words = [plain(span) for request in server.requests for span in spans_of(request) if span.name.startswith("evaluate")]
    assert [(word["attributes"]["openinference.span.kind"], word["attributes"]["output.value"]) for word in words] == [
        ("EVALUATOR", "0.25 (Ada): thin")
    ]


def test_an_observation_says_what_it_is_one_of(tmp_path, wire, server):
    wire.answer = adder(careful)
    with workshop(tmp_path, wire) as orchestrator:
        run = sums(orchestrator, 1).run()
        sync(orchestrator.record, OtlpTarget(server.url, resource=PROJECT))
    roots = [plain(span) for request in server.requests for span in spans_of(request) if not span.parent_span_id]
    told = [json.loads(root["attributes"]["metadata"]) for root in roots]
    assert {(m["experiment"], m["run"], m["arm"], m["case"], m["repeat"]) for m in told} == {
        ("sums", run.run_id, "plain", "c0", 0),
        ("sums", run.run_id, "careful", "c0", 0),
    }
    assert {root["attributes"]["workbench.arm"] for root in roots} == {"plain", "careful"}
