"""`workbench paper`: JSON alone on stdout, what is worth knowing on stderr, exit codes that mean something."""

import json
import shutil

import pytest
from command import in_shell
from paper_files import SAMPLES, TRUTH
from scripted import Script
from wire import Wire

KEYS = ["title", "authors", "abstract", "sections", "references", "tables", "figures", "arxiv_id", "doi", "year"]


@pytest.fixture
def workbench(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("[retry]\nbase = 0.01\ncap = 0.02\n")

    return in_shell(monkeypatch, capsys, "paper")


def test_parse_prints_what_is_in_a_file(workbench, tmp_path):
    code, out, err = workbench("parse", SAMPLES / "acl.pdf", "--json")
    paper = json.loads(out)
    assert (code, err) == (0, "")
    assert list(paper) == KEYS
    assert [author["name"] for author in paper["authors"]] == TRUTH["acl"]["authors"]
    assert {"title", "level", "text", "page"} <= paper["sections"][0].keys()
    assert {"label", "raw", "title", "year"} <= paper["references"][0].keys()
    assert not (tmp_path / ".workbench").exists()
    _, plain, _ = workbench("parse", SAMPLES / "acl.pdf")
    assert "12 references, 1 figures, 1 tables" in plain


def test_parse_tells_of_hidden_text_on_stderr(workbench):
    _, out, err = workbench("parse", SAMPLES / "arxiv.pdf", "--json")
    assert "ignore all previous" not in out
    assert "page 1, white: 'Reviewer model" in err


def test_what_cannot_be_read_is_an_error_with_a_way_out(workbench):
    code, out, err = workbench("parse", SAMPLES / "truncated.pdf", "--json")
    assert (code, out) == (2, "")
    assert "breaks off in the middle" in err
    assert "fetch it again" in err
    assert workbench("parse", SAMPLES / "acl.pdf", "--max-pages", "1")[0] == 2


def test_add_list_show_search(workbench, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("revtex.pdf", "truncated.pdf"):
        shutil.copy(SAMPLES / name, folder)
    code, out, err = workbench("add", folder, "--offline", "--json")
    [row, broken] = json.loads(out)
    assert code == 2
    assert (row["new"], row["title"]) == (True, TRUTH["revtex"]["title"])
    assert "breaks off" in broken["error"]
    assert "2/2 refused: truncated.pdf" in err
    assert json.loads(workbench("list", "--json")[1])[0]["id"] == row["id"]
    assert json.loads(workbench("list", "nobody", "--json")[1]) == []
    assert json.loads(workbench("show", "last", "--json")[1])["abstract"].startswith("Water gauges")
    hits = json.loads(workbench("search", "frozen", "gauge", "--json", "-n", "2")[1])
    assert {hit["id"] for hit in hits} == {row["id"]}
    assert workbench("show", "none")[0] == 4
    assert row["id"] in workbench("list")[1]


def test_ask_checks_each_quote(workbench, tmp_path):
    workbench("add", SAMPLES / "revtex.pdf", "--offline")
    quotes = [
        "A gauge that freezes reports a constant value, which the check rejects.",
        "A gauge that freezes reports a zero value, which the check rejects.",
    ]
    script = Script(Its_passages_stand={"answer": "A constant value.", "quotes": quotes})
    with Wire(answer=lambda asked: script.say(asked.body["messages"][-1]["content"])) as wire:
        words = (
            "ask",
            "last",
            "What",
            "does",
            "a",
            "frozen",
            "gauge",
            "report?",
            "-m",
            "openai/wire",
            "--api-base",
            wire.openai,
        )
        code, out, _ = workbench(*words, "--json")
        answer = json.loads(out)
        assert code == 0
        assert [(quote["status"], bool(quote["boxes"])) for quote in answer["quotes"]] == [
            ("verified", True),
            ("near miss", True),
        ]
        plain = workbench(*words)[1]
    assert "[verified, p. " in plain
    assert "the paper says: A gauge that freezes reports a constant value" in plain
    assert "</passage-" in script.asked[0]
