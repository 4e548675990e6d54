"""The sync to LangSmith: what it makes of the record, and how it is sent.

`runs` makes run trees of dialogues, `feedback` makes feedback of ratings, assessments and outcomes, `experiments` makes data
sets, projects and runs of experiments; `ids` gives all of them their ids, `times` fits old times into the hosted service's
window, and `target` sends. Bodies hold times as Unix seconds until they are sent.
"""

from __future__ import annotations

from workbench.observe.sync.langsmith.target import LangSmithTarget

__all__ = ["LangSmithTarget"]
