"""What a reader sees of Markdown in a cell's output and in saved pages: formulas, money, code, links, images, tables."""

import re

import pytest

from workbench.dialogue.export.highlight import CLASSES
from workbench.dialogue.export.markdown import render_markdown

MATHS = re.compile(r'<code class="wb-source">(.*?)</code><math', re.DOTALL)


def sources(text):
    return [found.replace("&lt;", "<").replace("&amp;", "&") for found in MATHS.findall(render_markdown(text))]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("$x$", "$x$"),
        ("so $a_1 + b_2$ is", "$a_1 + b_2$"),
        ("\\(a < b\\)", "\\(a < b\\)"),
        ("$$x$$ inline", "$$x$$"),
        ("text:\n$$\n- a\n= b\n$$\nmore", "$$- a\n= b$$"),
        ("\\[\nx\n\\]", "\\[x\\]"),
        ("$\\$5$", "$\\$5$"),
        ("> $$\n> x\n> $$", "$$x$$"),
        ("| $x$ |\n|-|", "$x$"),
        ("- a\n\n  $$\n  x\n  $$\n- b", "$$x$$"),
        ("*see $a*b_c$ d*", "$a*b_c$"),
    ],
)
def test_a_formula_is_laid_out(text, source):
    assert sources(text) == [source]


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $10",
        "from $0.01 to $0.02.",
        "US$7 or A$8 a year",
        "100$ and 200$",
        "$ x $",
        "\\$x\\$",
        "a $x",
        "$x `$` y$",
        "$$",
        "$$ $$",
        "\\\\(x\\\\)",
        "| $1 | $2 |\n|-|-|\n| $0.03 | $4 |",
        "`$x$`\n\n```\n$$y$$\n```\n\n    $z$",
    ],
)
def test_money_and_code_are_no_formulas(text):
    html = render_markdown(text)
    assert "<math" not in html
    assert "wb-math" not in html


def test_a_display_formula_is_one():
    assert '<math display="block"><mrow><munderover>' in render_markdown(r"$$\sum_{i=0}^n i$$")
    assert '<math display="block">' in render_markdown("\\[\nx\n\\]")
    assert "display" not in render_markdown("$x$")


@pytest.mark.parametrize(
    ("tex", "inside"),
    [
        (r"\frac{a}{b}", "<mfrac>"),
        (r"\begin{aligned}a&=b\\c&=d\end{aligned}", '<mtd columnalign="right"><mi>a</mi></mtd>'),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "<mtable><mtr><mtd>"),
        (r"\text{a < b}", "<mtext>a&nbsp;&lt;&nbsp;b</mtext>"),
        (r"\boxed{42}", '<menclose notation="box">'),
        (r"\sqrt[3]{x}", "<mroot>"),
    ],
)
def test_what_models_write_most_is_understood(tex, inside):
    assert inside in render_markdown(f"${tex}$")


@pytest.mark.parametrize(
    "tex",
    [r"\unheard{x}", r"\frac{1", r"\href{https://example.org}{x}", r"\class{a}{x}", r"\style{color:red}{x}", "a & b",
     r"\def\a{\a\a}\a", "{" * 500 + "}" * 500],
)  # fmt: skip
def test_a_formula_that_cannot_be_laid_out_is_shown_as_it_was_written(tex):
    html = render_markdown(f"${tex}$")
    assert "<math" not in html
    assert '<code class="wb-math">$' in html
    assert tex.replace("&", "&amp;") in html


def test_lengths_stay_on_the_page():
    html = render_markdown(r"$\hspace{9999em}x\rule{500em}{2em}$")
    assert "9999em" not in html.partition("</code>")[2]
    assert 'height="2em"' in html


def test_code_has_colours_for_languages_the_panel_knows_too():
    assert render_markdown("```python\nx = '<b>'  # y\n```") == (
        '<pre><code>x <span class="wb-c-o">=</span> <span class="wb-c-s">\'&lt;b&gt;\'</span>  '
        '<span class="wb-c-c"># y</span>\n</code></pre>\n'
    )
    assert render_markdown("```klingon\nx < 1\n```") == "<pre><code>x &lt; 1\n</code></pre>\n"


@pytest.mark.parametrize("language", "py js ts sh json yml sql r c++ java rs go html css md diff".split())
def test_no_code_is_lost_for_its_colours(language):
    code = 'def f(x): return {"a": 1}  # y\n\n+ <b>&amp;</b> -- // /* z */ $HOME\n- gone\n'
    html = render_markdown(f"```{language} title\n{code}```")
    text = re.sub(r"</?span[^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert text == f"<pre><code>{code}</code></pre>\n"
    assert set(re.findall(r'class="([^"]*)"', html)) <= CLASSES
    assert "<span" in html


def test_very_long_code_has_no_colours():
    assert "<span" not in render_markdown("```python\n" + "x = 1\n" * 5_000 + "```")


def test_an_image_is_a_link_that_says_what_and_where():
    link = '<a href="https://example.org/cat.png" target="_blank" rel="noopener noreferrer nofollow">'
    assert render_markdown("![a cat](https://example.org/cat.png)") == f"<p>{link}a cat (https://example.org/cat.png)</a></p>\n"
    assert render_markdown("[![a cat](https://example.org/c.png)](https://example.org/cat.png)") == (
        f"<p>{link}a cat (https://example.org/c.png)</a></p>\n"
    )
    assert render_markdown("![a cat](data:image/png;base64,AA)") == "<p>![a cat](data:image/png;base64,AA)</p>\n"
    assert "x…</a>" in render_markdown(f"![](https://example.org/{'x' * 500})")


def test_where_a_link_may_not_lead_stays_readable():
    text = "[x](javascript:alert(1)) [y](notes.md) [z](//example.org)"
    assert render_markdown(text) == f"<p>{text}</p>\n"
    assert render_markdown("[z]: javascript:alert(1)\n\n[z]") == "<p>[z]: javascript:alert(1)</p>\n<p>[z]</p>\n"


def test_tables_align():
    html = render_markdown("| a | b | c |\n|--:|:-:|---|\n| 1 | 2 | 3 |")
    assert '<td class="wb-right">1</td>\n<td class="wb-center">2</td>\n<td>3</td>' in html


def test_what_is_not_seen_does_not_come_back_by_an_entity():
    assert render_markdown("a&#x202e;b&ZeroWidthSpace;c") == "<p>abc</p>\n"
    assert "href" not in render_markdown("[x](java&#x200b;script:alert(1))")


@pytest.mark.parametrize(
    "text",
    [">" * 200, "- " * 200 + "x", "word " * 50_000, "[" * 6_000, "|a" * 300 + "\n" + "|-" * 300 + "\n" + "|b\n" * 300],
    ids=["quotes", "lists", "long", "brackets", "table"],
)
def test_what_cannot_be_laid_out_stays_plain_and_whole(text):
    assert render_markdown(text) == f"<pre>{text.replace('>', '&gt;')}</pre>\n"


def test_a_text_of_money_only_has_no_formulas():
    assert "<math" not in render_markdown("$a$ " * 5_000)
    assert "<math" in render_markdown("$a$ " * 500)
