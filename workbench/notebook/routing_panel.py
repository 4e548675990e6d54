"""The routing panel: a figure of who was chosen and what that brought, which follows the record while dialogues run.

While it follows, it is Plotly's widget, because JupyterLab draws a plain figure once and never again; a thread brings it up to
date when the record has news. When it is closed, or nothing was new for ten minutes, a plain figure takes its place in the same
output: that one is saved with the notebook and needs neither kernel nor network.
"""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from IPython.core.getipython import get_ipython
from IPython.display import display

from workbench.dialogue.export.facts import visible
from workbench.errors import RecordError
from workbench.notebook.live import How, how_to_show
from workbench.panels.routing_facts import RoutingFacts, routing_facts

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.records import Record

EVERY: Final = 3.0
"""Seconds between two looks into the record."""
IDLE: Final = 600.0
"""Seconds without news after which a panel closes itself, so that what is saved later is a figure."""
_PLOTLY: Final = "application/vnd.plotly.v1+json"
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_FOLLOWING: Final[weakref.WeakKeyDictionary[Record, RoutingPanel]] = weakref.WeakKeyDictionary()
"""Record to the panel that follows it: a cell that is run again takes over from its last run."""


class RoutingPanel:
    """The panel of a record; the last expression of a cell shows it, and from then on it follows the record.

    Args:
        record: of the workspace.
        every: seconds between two looks into it.
        idle: seconds without news after which it closes.
    """

    def __init__(self, record: Record, every: float = EVERY, idle: float = IDLE) -> None:
        self._record, self._every, self._idle = record, every, idle
        self._live: _Live | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @property
    def facts(self) -> RoutingFacts:
        """What there is to show now."""
        return routing_facts(self._record.choices(), self._record.ratings())

    @property
    def figure(self) -> go.Figure:
        """The figure of now."""
        return _figure(self.facts)

    @property
    def following(self) -> bool:
        """Whether it is shown and follows the record."""
        return self._live is not None

    def close(self) -> None:
        """Stop following, and leave the figure as it last was. Closing twice does nothing."""
        self._stopped.set()
        with self._lock:
            live, self._live = self._live, None
        if live is not None:
            live.end()

    def _ipython_display_(self) -> None:
        """Show it: to a person as a widget that follows, to a program as a figure, in a terminal as text."""
        how = how_to_show(get_ipython())
        if how is How.TEXT:
            print(_text(self.facts))  # noqa: T201 - a terminal draws no figures
        elif how is How.PANEL:
            self._follow()
        else:
            display(_static(self.facts), raw=True)

    def _follow(self) -> None:
        _FOLLOWING.get(self._record, self).close()
        self.close()
        self._stopped = threading.Event()
        stamp = self._record.stamp()
        self._live = _Live(self.facts, self.close)
        _FOLLOWING[self._record] = self
        watch = threading.Thread(target=self._watch, args=(self._live, self._stopped, stamp), name="routing-panel", daemon=True)
        watch.start()

    def _watch(self, live: _Live, stopped: threading.Event, stamp: tuple[float, int]) -> None:
        news = time.monotonic()
        while not stopped.wait(self._every) and time.monotonic() - news < self._idle:
            try:
                now = self._record.stamp()
                if now == stamp:
                    continue
                facts = self.facts
            except RecordError:
                continue  # busy or out of reach for a moment; the figure stays as it is
            with self._lock:
                if not stopped.is_set():
                    live.refresh(facts)
            stamp, news = now, time.monotonic()
        if not stopped.is_set():
            self.close()


class _Live:
    """One output of a cell: a widget with the figure and a button, and in the end the figure alone.

    Args:
        facts: to begin with.
        close: is called when the button is pressed.
    """

    def __init__(self, facts: RoutingFacts, close: Callable[[], None]) -> None:
        from ipywidgets import Button, VBox  # type: ignore[import-untyped]
        from plotly.graph_objects import FigureWidget

        self._facts = facts
        self._figure = FigureWidget(_figure(facts))
        self._figure.layout.autosize = True
        button = Button(description="Stop following", tooltip="The figure stays as it is")
        button.on_click(lambda _: close())
        self._box = VBox([self._figure, button], layout={"width": "100%"})
        view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        self._handle: Any = display({_WIDGET: view, "text/plain": _text(facts)}, raw=True, display_id=True)

    def refresh(self, facts: RoutingFacts) -> None:
        """Draw what is new. Values change in one message; other traces are taken out and put in."""
        shown, new = self._figure, _figure(facts)
        same = [_kind(trace) for trace in shown.data] == [_kind(trace) for trace in new.data]
        if not same:
            shown.data = ()
        with shown.batch_update():
            shown.layout.update(new.layout.to_plotly_json(), overwrite=True)
            for old, trace in zip(shown.data, new.data, strict=False):
                old.update(trace.to_plotly_json(), overwrite=True)
        if not same:
            shown.add_traces(new.data)
        self._facts = facts

    def end(self) -> None:
        """Leave the figure, as it last was, where the widget is."""
        self._handle.update(_static(self._facts), raw=True)
        for widget in (*self._box.children, self._box):
            widget.close()


def _kind(trace: Any) -> tuple[str, str | None, str | None]:
    return trace.type, trace.name, trace.xaxis


def _figure(facts: RoutingFacts) -> go.Figure:
    from workbench.panels.routing_figure import routing_figure

    return routing_figure(facts, _caption(facts))


def _static(facts: RoutingFacts) -> dict[str, Any]:
    """Return a figure as an output that JupyterLab draws without a kernel."""
    return {_PLOTLY: json.loads(_figure(facts).to_json()), "text/plain": _text(facts)}


def _caption(facts: RoutingFacts) -> str:
    return f"{_counted(facts)} As of {time.strftime('%Y-%m-%d %H:%M:%S')}."


def _counted(facts: RoutingFacts) -> str:
    if not facts.choices:
        return "No turn was routed yet: -m route lets a policy choose."
    return f"{facts.choices:,} choice{'s' * (facts.choices != 1)}, {facts.rated:,} of them rated."


def _text(facts: RoutingFacts) -> str:
    """Return what a terminal and a page without figures show."""
    lines = [_counted(facts)]
    for kind, by_model in facts.by_kind.items():
        lines.append(f"{kind or 'unknown'}: {', '.join(f'{model} {count}' for model, count in by_model.most_common())}")
    lines += [f"{point.model}: quality {point.quality.value:.2f}, ${point.cost:.3g} a turn" for point in facts.points]
    return "\n".join(map(visible, lines))
