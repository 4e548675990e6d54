"""Ceilings: what a run may spend, what it is expected to, what it keeps back, and how it gets by with less."""
