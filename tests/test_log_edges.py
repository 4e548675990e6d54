"""Log lines at the edges: what is no warning, what is cut, which lines are since a time, and half a line."""

import json

from workbench.events import CallEnded
from workbench.events.calls import Call, Timings
from workbench.events.listening import Incident, Told
from workbench.observe.logs import hear
from workbench.observe.logs.files import LogFile
from workbench.observe.logs.lines import line_of, stamp
from workbench.observe.logs.reading import Wanted, end_of, follow, tail
from workbench.settings import LogSettings, Settings


def told(**fields):
    made = Call("c", "m", "m", "p", 1, "ok", 0.0, Timings(0, None, 1))
    return line_of(Told(CallEnded(dialogue="d", seq=1, at=0.0, turn="t", call=Call(**{**vars_of(made), **fields})), "d", None))


def vars_of(made):
    return {name: getattr(made, name) for name in made.__slots__}


def test_who_cancels_is_not_warned_and_what_nobody_knows_is_absent():
    cancelled, failed = told(outcome="cancelled"), told(outcome="timeout", cost=0.0)
    assert (cancelled.level, failed.level) == ("info", "warning")
    assert not {"cost_usd", "error_class", "prompt_tokens", "asked"} & cancelled.fields.keys()
    assert (failed.fields["cost_usd"], failed.fields["error_class"]) == (0.0, "timeout")


def test_a_long_text_is_cut_and_says_how_much_is_missing(tmp_path):
    made = Settings(workspace=tmp_path, log=LogSettings(file="log"))
    hear(Told(Incident("long", "error", 0.0, {"text": "ab " * 20_000}), "d", made))
    [entry] = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines()]
    assert (len(entry["text"]) < 50_100, entry["text"].endswith("… (10000 more)")) == (True, True)


def written(file, *seconds):
    for at in seconds:
        file.append(json.dumps({"timestamp": stamp(at), "level": "info", "event": f"at_{at}"}))


def names(entries):
    return [entry["event"] for entry in entries]


def test_lines_since_a_time_are_found_behind_one_that_came_too_late(tmp_path):
    file = LogFile(tmp_path / "log", 10_000, 3)
    written(file, 3, 100, 98, 97.5, 102, 101)
    assert names(tail(file, Wanted(since=100.0))) == ["at_100", "at_101", "at_102"]
    assert names(tail(file, Wanted(since=100.001))) == ["at_101", "at_102"]
    assert names(tail(file, Wanted(limit=2))) == ["at_101", "at_102"]


def test_half_a_line_is_told_when_the_rest_has_come(tmp_path):
    file = LogFile(tmp_path / "log", 10_000, 3)
    file.append("{}")
    following = follow(file, Wanted(), end_of(file))
    line = json.dumps({"timestamp": stamp(2), "level": "info", "event": "at_2"}) + "\n"
    written(file, 1)
    with file.path.open("a") as raw:
        raw.write(line[:20])
        raw.flush()
        first = next(following)
        raw.write(line[20:])
    assert names([first, next(following)]) == ["at_1", "at_2"]


def test_as_many_files_are_kept_as_were_asked_for_and_none_is_lost_before(tmp_path):
    file = LogFile(tmp_path / "log", 100, 4)
    for number in range(12):
        file.append(f"{number:02}" * 25)
    kept = [text[:2] for path in reversed(file.all) for text in path.read_text().splitlines()]
    assert len(file.all) == 3
    assert kept == ["06", "07", "08", "09", "10", "11"]
