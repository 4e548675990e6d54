"""Experiments: which of two arms is better, by how much, at what price, and how sure we are.

`statistics` holds what is said about results; it takes them as a table and asks nothing about where they came from.
"""
