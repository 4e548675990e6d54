"""Metrics for Prometheus: what the record has, counted, and how this process fares.

One collector serves both ways. What was called, what failed, what it took and cost always comes from the record, whichever
process made it: so every process that serves a record tells the same truth, a restart loses none of it, and nothing is counted
twice as long as one address for each record is scraped. Only what no record knows is of the process that serves: circuit
breakers, queues, and what waits to be written. `names` keeps labels few, `readings` reads the record off everybody's way,
`families` puts it into Prometheus' words, `serving` is the HTTP server; `grafana.json` is a dashboard for it all.
"""

from workbench.observe.metrics.serving import Serving, dashboard, exposition, serve

__all__ = ["Serving", "dashboard", "exposition", "serve"]
