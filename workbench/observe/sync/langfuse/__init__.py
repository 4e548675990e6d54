"""Langfuse: dialogues as traces, words on them as scores, experiments as data sets and runs that its own views compare.

`attributes` says what spans are in Langfuse's words, `scores` what ratings become, `experiments` what experiments do, and
`target` sends it all.
"""

from workbench.observe.sync.langfuse.target import LangfuseTarget

__all__ = ["LangfuseTarget"]
