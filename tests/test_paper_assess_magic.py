"""`%paper assess` in a real kernel: the debate is shown, then the card with the pages that the quotes stand on."""

import pytest
from paper_debate import Debate
from paper_files import SAMPLES

pytestmark = pytest.mark.slow


def test_a_debate_is_shown_and_ends_in_a_card(kernel, wire):
    wire.answer = Debate()
    out = kernel.run(f"%paper add {SAMPLES / 'revtex.pdf'} --offline")
    assert out.status == "ok", out.stdout
    out = kernel.run(f"%paper assess last -m openai/a,openai/b --api-base {wire.openai} -o made")
    assert out.status == "ok", out.stdout
    transcript, card = out.displays[-2:]
    assert "wb-transcript" in transcript["text/html"]
    assert "Rebuttal quotes" in transcript["text/html"]
    html = card["text/html"]
    assert html.count("data:image/png;base64,") >= 2
    assert "unverified: not found" in html
    assert kernel.run("print(made.weeks, len(made.unverified))").stdout == "4 (80 %: 2 to 8) 2\n"

    page = kernel.run("%paper outcome last --worked no --weeks 9").displays[-1]
    assert "it did not work, in 9 weeks" in page["text/plain"]
    assert kernel.run("t = %paper assessments\nprint(list(t.frame.confidence))").stdout == "[0.6]\n"
    out = kernel.run("c = %paper calibration\nc")
    assert "too few: 1 of 10 outcomes" in out.displays[0]["text/plain"]
    assert any("application/vnd.plotly.v1+json" in shown for shown in out.displays)
    assert kernel.run("print(c.frame.coverage[0])").stdout == "0.0\n"
    out = kernel.run(f"%paper assess last -m openai/a --api-base {wire.openai} --dry-run")
    assert "Dry run of feasibility" in out.displays[-1]["text/plain"]
    out = kernel.run(f"%paper assess last -m openai/a --api-base {wire.openai}", person=True)
    assert len(out.panels) == 1
    out = kernel.run("%paper assess")
    assert out.status == "error"
    assert "needs a paper, or --resume" in out.stdout + str(out.displays)
