"""Cases that were pulled, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

    from workbench.observe.pull.pulling import Pulled

_SHOWN: Final = 10


class PulledCases(Table):
    """The first of the cases that were pulled; `frame` has them all, `path` is the file that `%%experiment` reads."""

    def __init__(self, pulled: Pulled) -> None:
        columns = [Column(name, name, "object") for name in pulled.columns]
        more = [f"The first {_SHOWN}; x.frame has all."] if len(pulled.cases) > _SHOWN else []
        super().__init__(columns, pulled.cases[:_SHOWN], caption=str(pulled), notes=[*more, f"cases: {pulled.name}"])
        self.path, self._pulled = pulled.path, pulled

    @property
    def frame(self) -> pd.DataFrame:
        """All cases, one a row."""
        import pandas as pd

        return pd.DataFrame(list(self._pulled.cases), columns=self._pulled.columns)
