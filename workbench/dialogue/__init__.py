"""How they speak: from a mode to a finished dialogue.

The way through: `loader` reads a mode (`mode` is its schema, `documents` reads YAML and JSON safely), `plan` compiles it
to turns with dependencies, `cast` binds roles to models, `engine` runs the turns and emits events (`context` and
`template` make the prompts, `budget` keeps the ceilings), `transcript` folds events into state, `dialogue` is the handle
that users hold, `export` writes it down, and `orchestrator` is the way in.
"""

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.loader import ModeLoader
from workbench.dialogue.mode import Mode
from workbench.dialogue.orchestrator import Orchestrator
from workbench.dialogue.transcript import Metrics, Transcript, Turn

__all__ = ["Dialogue", "Metrics", "Mode", "ModeLoader", "Orchestrator", "Transcript", "Turn"]
