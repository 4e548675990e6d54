"""Log lines: one for each event and incident, with the same few fields first, secrets blanked.

`lines` says what an event's line holds, `writing` has the pipeline (structlog) and where it leads, `files` the file that
several processes share, `reading` its tail, `foreign` keeps other packages' loggers quiet. `hear` is the listener that every
process has by the entry point `workbench.listeners`; structlog is imported on the listener's thread, when a line is due.
"""

from workbench.observe.logs.writing import hear, logger

__all__ = ["hear", "logger"]
