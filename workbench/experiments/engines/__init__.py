"""Observations of a run that are made on a Dask cluster, and not in this process.

Either way one process, the driver, holds what a run has only one of: the order of observations, the seats at each provider,
the budget, the count. `making.Making` is what a run asks of an engine; `making.Maker` is the engine of this process, `driver`
that of a cluster: it hands out batches and answers workers' questions. `cluster` finds the workers and looks whether they fit,
`order` is what a worker must know, `crew` what a worker process has only one of, `shift` makes one batch, `lease` is its share
of the budget, `messages` what both sides say.

Through the scheduler go numbers of observations and words on how far they are: no case, no answer and no key.
"""
