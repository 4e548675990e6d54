"""What happened, for those who look from outside: logs, metrics, spans, and the sync to the services that teams use.

`logs` writes a line for each event, `metrics` counts what the record has for Prometheus, `spans` tells a dialogue as a tree of
timed spans, whatever service they go to, and `sync` copies the record to those services. Nothing here is imported by what it
observes: it reads the record, or is told of events (`workbench.events.listening`).
"""

from workbench.events.correlation import correlate, correlation

__all__ = ["correlate", "correlation"]
