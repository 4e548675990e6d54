"""Past experiments and what came of them, found again by words."""

from experimenters import adder, careful, sums, workshop
from wire import Wire

from workbench.experiments.gallery import gallery
from workbench.notebook.experiment_gallery import gallery_table


def test_what_came_of_experiments_is_found_again(tmp_path):
    with Wire() as wire, workshop(tmp_path, wire) as orchestrator:
        wire.answer = adder(careful)
        plan = {"primary": "right", "control": "plain", "margin": 0.1, "hypothesis": "Care <b>helps</b>."}
        sums(orchestrator, 8, plan=plan).run()
        wire.answer = adder(lambda prompt: True)
        sums(orchestrator, 6, repeats=2).run()
        late, early = gallery(orchestrator)
        assert (early.arm, early.control, early.metric, early.cases) == ("careful", "plain", "right", 8)
        assert early.low < early.difference < early.high
        assert early.difference == 1.0
        assert late.difference == 0.0
        table = gallery_table([late, early])
        assert list(table.frame["difference"]) == [0.0, 1.0]
        assert "right +1 [" in table.text
        assert [each.run.run for each in gallery(orchestrator, "helps sums")] == [early.run.run]
        assert gallery(orchestrator, "helps nothing-like-this") == []
        assert [each.run.run for each in gallery(orchestrator, limit=1)] == [late.run.run]
        assert "No run fits" in gallery_table([]).text


def test_a_run_that_cannot_be_analysed_says_why(tmp_path):
    with Wire() as wire, workshop(tmp_path, wire) as orchestrator:
        wire.answer = adder(careful)
        sums(orchestrator, 1).run()
        (only,) = gallery(orchestrator)
        assert only.verdict == "NEEDS MORE DATA"
        assert only.difference is None
