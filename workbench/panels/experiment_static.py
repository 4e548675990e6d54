"""The panel of an experiment for a page without a kernel: a table of arms, as HTML and as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from workbench.dialogue.export.facts import money

_HEADS = ("arm", "done", "failed", "mean", "seconds", "cost")


def text_of(facts: Mapping[str, Any]) -> str:
    """Return an experiment in a line, and one for each arm."""
    rows = [f"{name}: {', '.join(f'{cell} {head}' for head, cell in cells.items() if cell)}" for name, cells in _rows(facts)]
    return "\n".join([_caption(facts), *rows, *_said(facts)])


def html_of(facts: Mapping[str, Any]) -> str:
    """Return a table; every text in it is escaped."""
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells.values())}</tr>"
        for name, cells in _rows(facts)
    )
    said = "".join(f"<p>{escape(line)}</p>" for line in _said(facts))
    return f"<p>{escape(_caption(facts))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{said}"


def _caption(facts: Mapping[str, Any]) -> str:
    run = f", run {facts['run']}" if facts["run"] else ""
    return f"Experiment {facts['name']}{run}: {str(facts['status']).replace('_', ' ')}"


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    return [
        (
            each["arm"],
            {
                "done": f"{each['ok'] + each['failed']:,} of {each['total']:,}",
                "failed": f"{each['failed']:,}" if each["failed"] else "",
                str(facts["primary"]): "" if each["mean"] is None else f"{each['mean']:.4g}",
                "seconds": "" if each["latency"] is None else f"{each['latency']:.3g}",
                "cost": money(each["cost"]) if each["cost"] else "",
            },
        )
        for each in facts["arms"]
    ]


def _said(facts: Mapping[str, Any]) -> list[str]:
    said = []
    for each in facts["differences"]:
        if not each["trail"] or each["trail"][-1][2] is None:
            continue
        _, mean, low, high = each["trail"][-1]
        sure = f"{100 * each['confidence']:.3g}%"
        said.append(
            f"{facts['primary']}, {each['arm']} minus {facts['control']}: {mean:+.3g}, always-valid {sure} interval "
            f"{low:+.3g} to {high:+.3g} after {each['cases']:,} cases"
        )
    return said
