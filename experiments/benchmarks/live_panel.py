"""The live panel in a real JupyterLab and Chromium: how soon it draws, how much, and what it leaves behind.

Ten speakers stream at once, some two thousand pieces a second. Beside it stands what one would write without us: the same
ten calls with bare LiteLLM, printing every piece. The page itself says when something was drawn, and how long it froze.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from field import Field
from figures import Figure

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

SPEAKERS = 10
PANEL, PRINTED = ".wb-panel .wb-answer", ".jp-OutputArea-output[data-mime-type*=stdout]"
_WATCH = """
window.watched = { longest: 0, first: null };
new PerformanceObserver((list) => { for (const task of list.getEntries())
  window.watched.longest = Math.max(window.watched.longest, task.duration); }).observe({ type: "longtask" });
window.watch = (selector) => { window.watched = { longest: 0, first: null };
  const look = () => { const drawn = [...document.querySelectorAll(selector)].some((el) => el.textContent.trim());
    if (drawn) window.watched.first = performance.timeOrigin + performance.now(); else requestAnimationFrame(look); };
  requestAnimationFrame(look); };
window.drawn = (selector) => [...document.querySelectorAll(selector)].reduce((sum, el) =>
  sum + (el.textContent.match(/word\\d/g) || []).length, 0);
"""
_BARE = """
import asyncio, litellm
async def speak(number):
    question = [{{"role": "user", "content": f"voice {{number}}"}}]
    answer = await litellm.acompletion(model="openai/wire", api_base={base!r}, api_key="none", messages=question, stream=True)
    async for chunk in answer:
        print(chunk.choices[0].delta.content or "", end="") if chunk.choices else None
await asyncio.gather(*(speak(number) for number in range({speakers})))
"""
_LONG = """
from workbench import Orchestrator
with Orchestrator() as o:
    d = o.run("line.yaml", "Tabs?", models=["openai/wire"], api_base={base!r})
d = Orchestrator().load(d.id)
"""


def measure(_field: Field, *, quick: bool) -> list[Figure]:
    """Measure in one browser, ours and the other in turn."""
    from lab import Notebook, chromium, lab_server, write_notebook
    from wire import Wire

    from workbench.cli.workspace import init_workspace

    words, turns, rounds = (60, 40, 1) if quick else (1000, 1000, 3)
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as place, Wire() as wire:
        folder = Path(place)
        init_workspace(folder)
        _write_modes(folder, turns)
        ours = f"%%dialogue chorus.yaml -m openai/wire --api-base {wire.openai}\nTabs?"
        bare = _BARE.format(base=wire.openai, speakers=SPEAKERS)
        cells = ("%load_ext workbench", ours, bare, _LONG.format(base=wire.openai), "d.panel()", "d")
        write_notebook(folder, "panel.ipynb", *cells)
        with lab_server(folder, Path(home)) as lab, chromium() as browser:
            notebook = Notebook(browser, lab, "panel.ipynb")
            notebook.page.evaluate(_WATCH)
            notebook.run_cell(0)
            seen: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
            for number in range(rounds + 1):
                count = 20 if number == 0 else words
                seen["ours"].append(_stream(notebook, wire, 1, PANEL, count))
                seen["bare"].append(_stream(notebook, wire, 2, PRINTED, count))
            wire.answer, wire.words, wire.delay = None, 60, 0.0
            kept = _keep(notebook, turns)
            notebook.save()
            saved = json.loads((folder / "notebooks" / "panel.ipynb").read_text())
    best = {who: {key: min(run[key] for run in runs[1:]) for key in runs[0]} for who, runs in seen.items()}
    return [*_streaming(best, words), *_kept(kept, turns), *_sizes(saved, turns)]


def _stream(notebook: Any, wire: Any, cell: int, selector: str, words: int) -> dict[str, float]:
    """Run a cell that streams, and return when its first piece was drawn, how long it all took, and the longest freeze."""
    asked: list[float] = []

    def answer(_asked: object) -> str:
        asked.append(time.time())
        return " ".join(f"word{number}" for number in range(words))

    wire.answer, wire.delay = answer, 0.005
    page = notebook.page
    notebook.menu("Edit", "Clear Outputs of All Cells")
    page.evaluate("selector => window.watch(selector)", selector)
    notebook.run_cell(cell)
    total, most = SPEAKERS * words, 0
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        most = max(most, page.evaluate("selector => window.drawn(selector)", selector))
        if most >= total or (cell == 1 and page.locator(".wb-transcript").count()):
            break
        time.sleep(0.1)
    ended = time.time()
    watched = page.evaluate("window.watched")
    notebook.idle()
    return {
        "first": watched["first"] - (min(asked) + wire.delay) * 1000,
        "wall": ended - min(asked),
        "longest": watched["longest"],
    }


def _keep(notebook: Any, turns: int) -> dict[str, float]:
    """Return the page's memory in MB with nothing shown, with a long panel, and with the long transcript instead."""
    notebook.menu("Edit", "Clear Outputs of All Cells")
    notebook.run_cell(3)
    notebook.idle()
    page = notebook.page
    debugger = page.context.new_cdp_session(page)
    debugger.send("Performance.enable")
    sizes = {"nothing": _heap(debugger)}
    page.evaluate("window.watched.longest = 0")
    notebook.run_cell(4)
    page.wait_for_function(f"document.querySelectorAll('.wb-panel .wb-turn').length >= {turns}", timeout=120_000)
    notebook.idle()
    sizes["panel"], sizes["froze"] = _heap(debugger), page.evaluate("window.watched.longest")
    page.evaluate("window.watched.longest = 0")
    notebook.run_cell(5)
    page.wait_for_function(f"document.querySelectorAll('.wb-transcript .wb-turn').length >= {turns}", timeout=120_000)
    notebook.idle()
    sizes["both"], sizes["froze static"] = _heap(debugger), page.evaluate("window.watched.longest")
    return sizes


def _heap(debugger: Any) -> float:
    debugger.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in debugger.send("Performance.getMetrics")["metrics"]}
    return metrics["JSHeapUsedSize"] / 1e6


def _streaming(best: dict[str, dict[str, float]], words: int) -> list[Figure]:
    ours, bare = best["ours"], best["bare"]
    total = SPEAKERS * words
    return [
        Figure("first token drawn after it was sent, ms", ours["first"], bare["first"], "bare LiteLLM, printed"),
        Figure(
            f"deltas drawn per second, {SPEAKERS} speakers", total / ours["wall"], total / bare["wall"], "bare LiteLLM, printed"
        ),
        Figure(
            "longest freeze of the page meanwhile, ms",
            ours["longest"],
            bare["longest"],
            "bare LiteLLM, printed",
            "≤ 100",
            ours["longest"] <= 100,
        ),
    ]


def _kept(sizes: dict[str, float], turns: int) -> list[Figure]:
    panel, static = sizes["panel"] - sizes["nothing"], sizes["both"] - sizes["panel"]
    return [
        Figure(f"page memory for a panel of {turns} turns, MB", panel, static, "the static transcript"),
        Figure(f"longest freeze when it appears, {turns} turns, ms", sizes["froze"], sizes["froze static"], "the static one"),
    ]


def _sizes(saved: dict[str, Any], turns: int) -> list[Figure]:
    """Return the sizes of the bundle, and of what a notebook keeps of a dialogue."""
    from workbench.panels.bundle import script, styles

    bundle, rich = (script("panels") + styles()).encode(), script("rich").encode()
    output = json.dumps(saved["cells"][5]["outputs"])
    return [
        Figure("bundle of all panels, kB", len(bundle) / 1000, len(gzip.compress(bundle)) / 1000, "gzipped"),
        Figure(
            "maths and code, loaded when a text needs them, kB", len(rich) / 1000, len(gzip.compress(rich)) / 1000, "gzipped"
        ),
        Figure("added to a saved notebook per turn of 60 words, kB", len(output) / turns / 1000),
    ]


def _write_modes(folder: Path, turns: int) -> None:
    chorus = [{"role": f"voice_{n}", "template": f"voice {n}: {{topic}}"} for n in range(1, SPEAKERS + 1)]
    line = [{"role": ("pro", "con")[n % 2], "id": f"turn{n}", "template": f"turn {n}", "sees": "none"} for n in range(turns)]
    for name, mode in (("chorus", {"structure": "parallel", "turns": chorus}), ("line", {"turns": line})):
        text = yaml.safe_dump({"name": name, **mode}, sort_keys=False)
        (folder / "notebooks" / f"{name}.yaml").write_text(text)
