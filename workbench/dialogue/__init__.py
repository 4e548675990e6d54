"""How they speak: from a mode to a finished dialogue.

The way through its rooms: `rules` says what a mode declares and reads it, `planning` compiles it to turns with dependencies,
`casting` binds roles to models, `running` takes the turns and emits events (`prompts` makes what speakers read, `money` keeps
the ceilings, `agreement` tells what speakers hold), `transcript` folds events into state, `dialogue` is the handle that users
hold, `export` writes it down and `figures` draws it, and `orchestrator` is the way in.
"""

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.orchestrator import Orchestrator
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.mode import Mode
from workbench.dialogue.transcript import Metrics, Transcript, Turn

__all__ = ["Dialogue", "Metrics", "Mode", "ModeLoader", "Orchestrator", "Transcript", "Turn"]
