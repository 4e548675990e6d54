"""A data set as cases: a JSON object a line, as `%%experiment` reads them.

The columns of a case are the fields of the example's input and of its expected output. An input that is no mapping is the
column `input`, an expected output the column `expected`; so is a field of the output whose name the input has too, as
`expected_NAME`. `id` is the case's own where every example has one of its own, else the service's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from workbench.observe.pull.service import Dataset, Item, PullError

Case = dict[str, Any]


def cases_of(dataset: Dataset) -> list[Case]:
    """Return the cases of a data set. Blocks while the service is asked.

    Raises:
        PullError: there are none.
    """
    items = list(dataset.items)
    if not items:
        raise PullError(f"The data set {dataset.name} is empty.")
    own = _have_ids(items)
    return [_case(item, own=own) for item in items]


def lines(cases: Iterable[Case]) -> str:
    """Return cases as JSON, one a line."""
    return "".join(json.dumps(case, ensure_ascii=False, default=str) + "\n" for case in cases)


def columns(cases: Iterable[Case]) -> list[str]:
    """Return the columns that cases have, in the order in which they come."""
    return list(dict.fromkeys(name for case in cases for name in case))


def _case(item: Item, *, own: bool) -> Case:
    asked = dict(item.input) if isinstance(item.input, dict) else {} if item.input is None else {"input": item.input}
    if own:
        case = {"id": str(asked.pop("id")), **asked, "item": item.id}
    else:
        case = {"id": item.id, **{("input_id" if name == "id" else name): value for name, value in asked.items()}}
    told = item.expected if isinstance(item.expected, dict) else {} if item.expected is None else {"expected": item.expected}
    for name, value in told.items():
        case[f"expected_{name}" if name in case else name] = value
    if item.metadata:
        case["expected_metadata" if "metadata" in case else "metadata"] = item.metadata
    return case


def _have_ids(items: list[Item]) -> bool:
    """Whether each example has an id of its own, and no two the same."""
    named = [item.input.get("id") if isinstance(item.input, dict) else None for item in items]
    plain = all(isinstance(name, (str, int)) and not isinstance(name, bool) and str(name).strip() for name in named)
    return plain and max(Counter(map(str, named)).values()) == 1
