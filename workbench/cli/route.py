"""`route replay`: policies over a table of outcomes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table as print_table
from workbench.routing.kinds import Kinds
from workbench.routing.policy import RoutingError
from workbench.routing.replay import STARTS, Plan, Replayer
from workbench.routing.report import Estimate, Report, Summary, compare
from workbench.routing.tables import Incomplete, read_outcomes


def replay(path: Path, policies: str, asked: Mapping[str, Any], *, as_json: bool, frontier: bool) -> None:
    """Replay policies and print what was found.

    Args:
        path: of the table.
        policies: names, with commas between them.
        asked: the command's other options: `prompts`, `incomplete`, `text`, and those of `Plan`.
        as_json: print JSON.
        frontier: replay at other prices of quality too.

    Raises:
        RoutingError: the table or an option is wrong.
    """
    names = [name.strip() for name in policies.split(",") if name.strip()]
    if not names:
        raise RoutingError("no policy is named", hint="--policy learned,epsilon")
    plan = Plan(**{key: asked[key] for key in ("length", "seeds", "start", "held_out", "willing_to_pay")})
    _among("start", plan.start, STARTS)
    _among("incomplete", asked["incomplete"], get_args(Incomplete))
    outcomes = read_outcomes(path, prompts=asked["prompts"], incomplete=asked["incomplete"])
    kinds = Kinds() if asked["text"] else None
    if kinds is not None and kinds.embedder is not None:
        _tell(f"reading {len(outcomes.prompts)} texts")
    report = compare(Replayer(outcomes, kinds), names, plan, frontier=frontier, notify=_tell)
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)


def _among(option: str, value: str, values: tuple[str, ...]) -> None:
    """Refuse an option that is none of its values.

    Raises:
        RoutingError: naming them.
    """
    if value not in values:
        raise RoutingError(f"--{option} {value} is not known", hint=f"It is one of {', '.join(values)}.")


def _show(report: Report) -> None:
    """Print a table, and behind it what the numbers are of."""
    print_table([_row(summary) for summary in report.policies], list(_row(report.policies[0])))
    plan, first = report.plan, report.policies[0]
    sys.stdout.write(
        f"\n{report.table}: {report.prompts} prompts, {len(report.models)} models; {plan.seeds} streams of {plan.length}"
        f"{' (with replacement)' if report.with_replacement else ''}, start {plan.start}, features: {report.features}.\n"
        f"The best single model reaches {_both(first.single_quality)} at {first.single_cost_usd.mean:.3g} USD.\n"
    )
    if report.left_out:
        sys.stdout.write(f"{report.left_out}.\n")


def _row(summary: Summary) -> dict[str, str]:
    row = {
        "policy": summary.policy,
        "quality": _both(summary.quality),
        "of_single": f"{summary.of_single:.1%}",
        "usd": f"{summary.cost_usd.mean:.3g}",
        "last_fifth": _both(summary.last_quality),
        "its_usd": f"{summary.last_cost_usd.mean:.3g}",
        "regret_single": _both(summary.regret_single),
        "regret_oracle": _both(summary.regret_oracle),
    }
    if (frontier := summary.frontier) is not None:
        row |= {"aiq": f"{frontier.aiq:.3f}", "apgr": "" if frontier.apgr is None else f"{frontier.apgr:.3f}"}
    return row


def _both(estimate: Estimate) -> str:
    return f"{estimate.mean:.4f}" + ("" if estimate.se is None else f" ± {estimate.se:.4f}")


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
