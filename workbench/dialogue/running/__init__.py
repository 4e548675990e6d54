"""The engine: turns that are due are taken at once, and all that happens leaves in one numbered stream of events."""
