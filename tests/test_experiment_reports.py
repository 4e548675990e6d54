"""Reports of an experiment: three formats of one content, in which a name is a name whatever stands in it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from trial import METRICS, PLAN, observed

from workbench.errors import WorkbenchError
from workbench.experiments.analysis import analyse
from workbench.experiments.plan import Plan
from workbench.experiments.report import bibtex, methods, report
from workbench.experiments.report.as_latex import escaped as latex
from workbench.experiments.report.as_markdown import escaped as markdown
from workbench.experiments.report.methods import software
from workbench.experiments.statistics import Metric

DATA = Path(__file__).parent / "data" / "reports"
HOSTILE = (
    r"\input{/etc/passwd} $x^2$ </script><script>alert(1)</script>|<img src=https://x.org/a>` ${7*7} [a](https://x.org) é☃%&#_~"
)
PROVENANCE = {"run": "r1", "commit": "0123abc", "key": "sk-abcdefgh12345678", "seeds": {"order": 7}}
DANGER = re.compile(r"\\(?:input|end\{document\}|write18|include|openin|read|def|catcode|immediate)\b(?!\{\})")


@pytest.fixture(scope="module")
def plain():
    served, fails = {(3, "debate")}, {(1, "debate"), (2, "single")}
    return analyse(observed(12, fails=fails, served=served), METRICS, PLAN, resamples=99)


@pytest.fixture(scope="module")
def hostile():
    """An analysis in which arms, metrics, cases, errors and hypothesis bear the worst names."""
    frame = observed(12, lifts={HOSTILE: 0.0, f"b {HOSTILE}": 0.2}, fails={(1, HOSTILE)})
    frame[HOSTILE] = frame["score"]
    frame["case"], frame["error"] = frame["case"] + HOSTILE, frame["error"].where(frame["error"].isna(), HOSTILE)
    plan = Plan(HOSTILE, "higher", HOSTILE, hypothesis=HOSTILE, margin=0.5)
    return analyse(frame, [Metric(HOSTILE, "higher"), *METRICS[1:]], plan, resamples=19)


def steady(text):
    """A report without the versions of what computed it."""
    for _, version in sorted(software(), key=lambda each: -len(each[1])):
        text = text.replace(version, "VERSION")
    return text


@pytest.mark.parametrize(("form", "suffix"), [("html", "html"), ("markdown", "md"), ("latex", "tex")])
def test_golden(plain, form, suffix):
    written = steady(report(plain, form, title="Debate or one call?", provenance=PROVENANCE, figures=False))
    golden = DATA / f"report.{suffix}"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(written)
    assert written == golden.read_text()
    assert "sk-abcdefgh" not in written


def test_all_formats_say_the_same(plain):
    for form in ("html", "markdown", "latex"):
        text = re.sub(r"[\\{}]", "", report(plain, form, figures=False))
        for finding in plain.findings:
            assert f"{finding.comparison.difference:+.3g}" in text
        assert str(plain.advice[0].verdict) in text
        assert "Welch" not in text  # what was not used is not cited


def test_the_methods_paragraph_cites_what_the_bibliography_has(plain):
    text = methods(plain, "latex")
    keys = re.findall(r"\\cite\{(\w+)\}", text)
    assert {"student1908", "hedges1981", "holm1979", "schuirmann1987", "wilcoxon1945", "virtanen2020"} <= set(keys)
    assert re.findall(r"^@\w+\{(\w+),", bibtex(plain), re.MULTILINE) == list(dict.fromkeys(keys))
    assert "averaged before any test" in text
    assert "(Holm 1979)" in methods(plain, "markdown")


def test_cases_apart_are_described_as_such():
    frame = observed(12)
    frame["case"] += frame["arm"]
    found = methods(analyse(frame, METRICS, PLAN, resamples=19))
    assert "Welch's t test" in found
    assert "Mann-Whitney" in found
    assert "paired" not in found


def test_names_are_text_in_html(hostile):
    page = report(hostile, "html", title=HOSTILE, figures=False)
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;") > 10


def test_figures_bring_no_markup_of_names(hostile):
    page = report(hostile, "html", title=HOSTILE)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == len(re.findall("<script", page)) == len(re.findall("</script>", page))
    assert not any("alert(1)" in script and "</script" in script for script in scripts)
    assert "<img src=https" not in page
    assert "https://cdn" not in re.sub(r"<script>.*?</script>", "", page, count=1, flags=re.DOTALL)


def test_names_are_text_in_markdown(hostile):
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .render(report(hostile, "markdown", title=HOSTILE))
    )
    assert "<script" not in html
    assert "<img" not in html
    assert "<a " not in html
    assert html.count("<table>") == 2
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {row.count("<t") for row in rows} == {11, 7}  # no name has broken a row


def test_names_are_text_in_latex(hostile):
    text = report(hostile, "latex", title=HOSTILE)
    body = text.split(r"\begin{document}")[1].rsplit(r"\end{document}", 1)[0]
    assert r"\textbackslash{}input\{" in body
    assert not DANGER.search(body)
    assert text.count("$") == text.count(r"\$")
    assert text.isascii()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(hostile, tmp_path):
    (tmp_path / "report.tex").write_text(report(hostile, "latex", title=HOSTILE, provenance=PROVENANCE))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report.tex"]
    for _ in range(2):  # citations take a second run
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    log = (tmp_path / "report.log").read_text("latin-1")
    assert done.returncode == 0, log[-3000:]
    assert "undefined" not in log


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_latex_escapes_any_text(text):
    written = latex(text)
    assert written.isascii()
    known = r"\\(?:text(?:backslash|asciicircum|asciitilde|less|greater|bar|asciigrave|quotedbl(?:left|right)?|quote(?:left|right)|endash|emdash)\{\}"
    known += r"|[{}$&#%_]|ldots\{\}|ensuremath\{(?:-|\\\w+)\}|(?:ss|ae|AE|oe|OE|o|O|l|L)\{\}|[`'^~=u.\"rHvck]\{[A-Za-z]\})|\{\}"
    left = re.sub(known, "", written)
    assert not set(left) & set('\\{}$&#%_^<>|"')


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_markdown_escapes_any_text(text):
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown(text))
    tags = set(re.findall(r"</?(\w+)", html))
    assert tags <= {"p"}, html


def test_other_formats_are_named(plain):
    with pytest.raises(WorkbenchError, match="no report as 'docx'") as caught:
        report(plain, "docx")
    assert "latex" in caught.value.hint


@pytest.mark.browser
@pytest.mark.slow
def test_the_page_draws_itself_without_a_network(hostile, tmp_path):
    from lab import chromium, screenshot

    (tmp_path / "report.html").write_text(report(hostile, "html", title=HOSTILE, provenance=PROVENANCE))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        asked, troubles = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto((tmp_path / "report.html").as_uri())
        page.locator("figure .main-svg").nth(3).wait_for(state="attached", timeout=60_000)
        assert page.locator("h1").inner_text() == " ".join(HOSTILE.split())
        assert page.locator("figure").count() == 4
        assert page.locator("figure img").count() == 0
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert troubles == []
        screenshot(page, "experiment report")
