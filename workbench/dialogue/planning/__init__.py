"""From a mode to turns: what depends on what, under which conditions, and what an expression in a mode means."""
