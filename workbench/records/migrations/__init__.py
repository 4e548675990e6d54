"""Schema revisions: `env` says how they are run, `versions/` holds one module for each step."""
