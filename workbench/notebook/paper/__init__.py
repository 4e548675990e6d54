"""`%paper`: one module for each subcommand, one table that lists them.

To add a subcommand, write a module beside these that ends in a `Command`: its name, a line of help, a function that takes a
`Desk` and the parsed line and returns what the cell shows, a function that adds the arguments to its parser, and examples. Then
add one line to `COMMANDS` in `magics`. Help, completion and errors follow from the parser.

A command that takes long says `long=True`. It then runs on a thread of its own: a notebook's cell awaits it, and elsewhere it
blocks. It says how far it is by `desk.tell`, whose line is shown in place. It starts dialogues by `desk.orchestrator` and reads
files by `desk.shelf`: those an interrupt stops, and what is kept by then stays. It prints nothing, since what a thread prints
lands in whichever cell runs next.

`command` has the parts of a command, `desk` what it works with, `errand` the thread; `pages` is what cells show.
"""

from workbench.notebook.paper.magics import COMMANDS, PaperMagics

__all__ = ["COMMANDS", "PaperMagics"]
