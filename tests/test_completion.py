"""What is offered while one types the line of a magic; nothing anywhere else, and nothing where the record is out of reach."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.completer import CompletionContext
from IPython.core.interactiveshell import InteractiveShell
from record_examples import START, turn, whole
from stage import card, orchestra, yes
from traitlets.config import Config

from workbench.errors import RecordError
from workbench.notebook.commands import CommandMagics
from workbench.notebook.completion import complete, install
from workbench.notebook.experiment import ExperimentMagics
from workbench.notebook.forks import ForkMagics
from workbench.notebook.magics import DialogueMagics
from workbench.notebook.paper import PaperMagics
from workbench.notebook.pull import PullMagics
from workbench.notebook.routing import RoutingMagics
from workbench.records import Record
from workbench.records.experiments import ExperimentRow
from workbench.records.papers import PaperRow
from workbench.records.queries import glance


@pytest.fixture(scope="module")
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    cells = DialogueMagics(shell)
    shell.register_magics(
        cells,
        *(
            magics(shell, cells.orchestrator)
            for magics in (CommandMagics, ExperimentMagics, ForkMagics, PaperMagics, RoutingMagics)
        ),
    )
    return shell


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def offered(shell, folder):
    """What is offered at the end of a text."""

    def ask(text, after=""):
        return [completion.text for completion in result(shell, text, after)["completions"]]

    return ask


def result(shell, text, after=""):
    line = text.count("\n")
    context = CompletionContext(
        token="", full_text=text + after, cursor_position=len(text.split("\n")[-1]), cursor_line=line, limit=None
    )
    return complete(shell, context)


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ("%%dialogue deb", ["debate"]),
        ("\n\n%%dialogue deb", ["debate"]),
        ("  %modes seq", ["sequential"]),
        ("x = %modes par", ["parallel"]),
        ("a, b = %modes par", ["parallel"]),
        ("print(1)\n%modes par", ["parallel"]),
        ("%%dialogue debate -p ", ["pro=", "con=", "judge="]),
        ("%%dialogue debate -p co", ["con="]),
        ("%%dialogue debate --participant j", ["judge="]),
        ("%%dialogue parallel -p ", ["voice=", "synthesiser=", "voice_1=", "voice_2=", "voice_3="]),
        ("%%dialogue debate -p pro=claude-o", ["claude-opus"]),
        ("%%dialogue debate -m deepseek-", ["deepseek-chat", "deepseek-reasoner"]),
        ("%%dialogue debate -m local,gpt-", ["gpt-mini"]),
        ("%%dialogue debate --models=claude-o", ["claude-opus"]),
        ("%%dialogue debate --judge gemini-f", ["gemini-flash"]),
        ("%%dialogue debate --set ", ["rounds="]),
        ("%%dialogue chat --set ", []),
        ("%%dialogue debate --jud", ["--judge", "--judgements"]),
        ("%%dialogue debate --dry", ["--dry-run"]),
        ("%%dialogue debate --rounds ", []),
        ("%dialogue ", [*"resume stop show export cost answer approve interject call-on skip pause unpause".split()]),
        ("%dialogue sh", ["show"]),
        ("%dialogue show last -", ["--panel", "--output", "--turn"]),
        ("%dialogue cost last -", []),
        ("%dialogue export last --format ", ["html", "json", "markdown", "pdf"]),
        ("%dialogues --status f", ["failed"]),
        ("%dialogues -", ["--limit", "--status"]),
        ("%models claude-h", ["claude-haiku"]),
        ("%models --re", ["--ready"]),
        ("%workbench d", ["doctor"]),
        ("%workbench log --level w", ["warning"]),
        ("%%dialogue debate --candidates gpt-mini,claude-o", ["claude-opus"]),
        ("%route --pol", ["--policy"]),
        ("%paper s", ["show", "search", "summarize"]),
        ("%paper ask x -m claude-o", ["claude-opus"]),
        ("%paper list -", ["--help"]),
        ("%paper search --l", ["--limit"]),
        ("%paper show last ", ["--output", "--help"]),
        ("%experiment re", ["resume", "retry", "report", "reproduce"]),
        ("%experiment resume x --max-c", ["--max-cost", "--max-calls"]),
        ("%route --policy l", ["learned", "local", "linucb"]),
        ("%route -m claude-o", ["claude-opus"]),
    ],
)
def test_offers(offered, text, offers):
    assert offered(text) == offers


@pytest.mark.parametrize(
    "text",
    [
        "debate",
        "%%dialogue",
        "%dialogu",
        "%modesty ",
        "%%modes ",
        "%%dialogue debate\nTabs or sp",
        "print(1)\n%%dialogue deb",
        "# %dialogue ",
        "x = '%modes ",
        "%%dialogue nowhere -p ",
        "%%dialogue -p ",
        "%dialogue resume nowhere -p ",
    ],
)
def test_elsewhere_nothing_is_offered_and_nothing_suppressed(shell, folder, text):
    found = result(shell, text)
    assert found["completions"] == []
    assert not found["suppress"]


def test_pull_offers_services_then_what_they_have(shell, offered):
    shell.register_magics(PullMagics(shell, lambda: None))
    assert offered("%pull ")[:2] == ["langfuse", "langsmith"]
    assert offered("x = %pull langsmith ")[:3] == ["dataset", "prompt", "scores"]
    assert "--since" in offered("%pull langsmith scores --")


def test_options_that_stand_there_are_not_offered_again_those_that_repeat_are(offered):
    left = offered("%%dialogue debate -m local -p pro=gpt --judge gpt -")
    assert "--judge" not in left
    assert "--models" not in left
    assert {"--participant", "--set", "--budget"} <= set(left)


def test_every_option_of_the_magic_is_offered(shell, offered):
    parser = shell.magics_manager.magics["cell"]["dialogue"].parser
    long = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    assert set(offered("%%dialogue debate -")) == long


def test_what_stands_behind_the_cursor_does_not_matter(offered):
    assert offered("%%dialogue deb", after=" -m local\nTabs?") == ["debate"]


def test_offers_have_hints(shell, folder):
    assert [c.type for c in result(shell, "%%dialogue debate -p pr")["completions"]] == ["Argues for the motion."]
    assert [c.type for c in result(shell, "%dialogue export last --out")["completions"]] == ["the file"]
    assert [c.type for c in result(shell, "%dialogue resume last --out")["completions"]] == ["variable that it is bound to"]


def test_modes_and_files_of_the_workspace(offered, folder):
    (folder / "modes").mkdir()
    (folder / "modes" / "mine.yaml").write_text(
        "name: mine\nparameters: {depth: 2}\nroles: {sage: {}}\nturns: [{role: sage}]\n"
    )
    (folder / "beside.yml").write_text("name: beside\nturns: [{role: a}]\n")
    (folder / "notes.md").write_text("")
    assert {"mine", "debate", "beside.yml"} <= set(offered("%%dialogue "))
    assert "notes.md" not in offered("%%dialogue ")
    assert offered("%%dialogue mod") == ["modes/"]
    assert offered("%%dialogue modes/") == ["modes/mine.yaml"]
    assert offered("%%dialogue modes/mine.yaml -p ") == ["sage="]
    assert offered("%%dialogue mine --set ") == ["depth="]
    assert offered("%%dialogue beside.yml -p ") == ["a="]


def test_cards_of_the_workspace(offered, folder):
    (folder / "workbench.toml").write_text('[models.my-server]\nid = "openai/qwen"\napi_base = "http://localhost:1/v1"\n')
    assert offered("%%dialogue debate -m my") == ["my-server"]


def test_settings_that_do_not_load_offer_nothing(offered, folder):
    (folder / "workbench.toml").write_text("[models\n")
    assert offered("%%dialogue deb") == []
    assert offered("%dialogue show ") == ["--panel", "--output"] or offered("%dialogue show ") == []


@pytest.fixture
def filled(folder):
    with Record.open(f"sqlite:///{folder / '.workbench' / 'records.db'}") as record:
        for number in range(3):
            record.write(whole(f"{number}abc", at=START + number))
    return folder


def test_ids_come_newest_first_with_their_topics(shell, offered, filled):
    ids = ["2abc", "1abc", "0abc", "last"]
    assert offered("%dialogue show ")[:4] == ids
    assert offered("%%dialogue --resume ") == ids
    assert offered("%dialogue show 1") == ["1abc"]
    assert result(shell, "%dialogue show 1")["completions"][0].type == "debate: Is water wet?"
    assert offered("%dialogue show 1abc 2") == []


def test_without_a_record_there_are_no_ids_and_none_is_made(offered, folder):
    assert "last" not in offered("%dialogue show ")
    assert not (folder / ".workbench").exists()


def test_papers_come_newest_first_with_their_titles(shell, offered, folder):
    assert "last" not in offered("%paper ask ")
    with Record.open(f"sqlite:///{folder / '.workbench' / 'records.db'}") as record:
        for number in range(2):
            row = PaperRow(f"{number}abc", f"{number}", START + number, "Rivers", (), None, None, None, "x", "x", 1)
            record.papers.add(row, "{}", [])
    (folder / "river.pdf").write_bytes(b"")
    assert offered("%paper ask ")[:3] == ["1abc", "0abc", "last"]
    assert offered("%paper search --paper 0") == ["0abc"]
    assert offered("%paper show 1abc 0") == []
    assert offered("x = %paper add riv") == ["river.pdf"]
    assert offered("%paper add a.pdf riv") == ["river.pdf"]
    assert result(shell, "%paper show 0")["completions"][0].type == "Rivers"


def test_experiments_come_from_the_record_and_from_the_workspace(shell, offered, folder):
    assert offered("%experiment compare ") == ["--output"]
    with Record.open(f"sqlite:///{folder / '.workbench' / 'records.db'}") as record:
        for number, name in enumerate(("older", "newer", "older")):
            record.experiments.keep(ExperimentRow(f"e{number}", name, START + number, str(number), "{}", "{}"), [])
    for name in ("older", "written"):
        (folder / "experiments" / name).mkdir(parents=True)
        (folder / "experiments" / name / "experiment.yaml").touch()
    (folder / "run.zip").touch()
    assert offered("%experiment run ")[:4] == ["older", "newer", "written", "last"]
    assert offered("exp = %experiment compare n") == ["newer"]
    assert offered("%experiment compare older ") == ["--output"]
    assert "run.zip" in offered("%experiment open ru")
    assert "--engine" in offered("%experiment run older -")
    assert result(shell, "%experiment compare n")["completions"][0].type == "experiment"


@pytest.mark.parametrize("content", [b"", b"no database" * 500])
def test_a_record_that_is_none_offers_no_ids(offered, folder, content):
    (folder / ".workbench").mkdir()
    (folder / ".workbench" / "records.db").write_bytes(content)
    assert "last" not in offered("%dialogue show ")
    assert (folder / ".workbench" / "records.db").read_bytes() == content


def test_a_record_of_another_version_is_not_touched(offered, filled):
    path = filled / ".workbench" / "records.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE record_version SET version_num = '9999'")
    assert offered("%dialogue show 2") == ["2abc"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM record_version").fetchone() == ("9999",)


def test_a_record_that_another_process_writes_is_read(offered, filled):
    path = filled / ".workbench" / "records.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM dialogues WHERE 0")
        assert offered("%dialogue show 2") == ["2abc"]


def test_a_record_of_an_older_version_is_not_brought_up_to_date(offered, filled):
    path = filled / ".workbench" / "records.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX dialogues_created_at")
        connection.execute("ALTER TABLE dialogues DROP COLUMN forked_from")
    assert "last" not in offered("%dialogue show ")
    with closing(sqlite3.connect(path)) as connection:
        assert "forked_from" not in [row[1] for row in connection.execute("PRAGMA table_info(dialogues)")]


@pytest.fixture(params=["sqlite", "postgres"])
def told(request, folder, monkeypatch):
    """A workspace whose record, of either kind, has two dialogues."""
    url = request.getfixturevalue(f"{request.param}_url")
    monkeypatch.setenv("WORKBENCH_RECORD_URL", url)
    with Record.open(url) as record:
        record.write(whole("0abc", turns=1))
        record.write([*whole("1abc", at=START + 9, turns=2)[:-2], *turn("1abc", 3)[:1]])
    return url


def test_ids_and_turns_of_a_record_of_either_kind(offered, told):
    assert offered("%dialogue show ")[:3] == ["1abc", "0abc", "last"]
    assert offered("%fork 1") == ["1abc"]
    assert offered("%fork last@") == ["last@turn_1"]
    assert offered("%rate last@") == ["last@turn_1"]
    assert offered("%fork 0a@tu") == ["0a@turn_1"]
    assert offered("%fork abc@") == []


def test_a_look_at_either_kind_changes_nothing(offered, told):
    with Record.open(told) as record:
        before = record.dialogues()
        offered("%dialogue show ")
        refused = pytest.raises(RecordError, match=r"read-only|may not be written")
        with glance(told) as reader, refused, reader._connected() as connection:
            connection.exec_driver_sql("DELETE FROM turns")
        assert record.dialogues().equals(before)


def test_a_database_out_of_reach_offers_no_ids(offered, filled, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RECORD_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert "last" not in offered("%dialogue show ")


def test_roles_of_a_dialogue_that_is_resumed(offered, folder):
    orchestrator, _ = orchestra(folder, yes)
    with orchestrator:
        orchestrator.run("debate", "Tabs?", models=[card()], limits={"max_turns": 1})
    assert offered("%dialogue resume last -p ") == ["pro=", "con=", "judge="]
    assert offered("%dialogue resume last -p pro=claude-o") == ["claude-opus"]


@settings(deadline=None)
@given(
    st.text(alphabet="%dialogue mods-=p,'\"\n\\{}x"),
    st.sampled_from(["%%dialogue ", "%dialogue ", "%modes ", "%models ", "%dialogues "]),
)
def test_whatever_is_typed_it_does_not_break(shell, text, magic):
    found = result(shell, magic + text)
    assert all(completion.text for completion in found["completions"])


def test_installing_twice_offers_once(shell):
    install(shell)
    install(shell)
    ours = [each for each in shell.Completer.custom_matchers if each.matcher_identifier == "workbench"]
    assert len(ours) == 1


def test_nothing_heavy_is_imported(tmp_path):
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.completer import CompletionContext
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "workbench")
from workbench.notebook.completion import complete
for text in ("%%dialogue deb", "%%dialogue debate -p pr", "%%dialogue debate -m lo"):
    context = CompletionContext(token="", full_text=text, cursor_position=len(text), cursor_line=0, limit=None)
    assert complete(shell, context)["completions"], text
print(*(m for m in sys.modules if "." not in m))
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    assert not {"litellm", "sqlalchemy", "alembic", "pandas", "numpy", "xllamacpp"} & set(out.split())
