"""Summaries of four lengths, by a dialogue that reads a paper in portions."""
