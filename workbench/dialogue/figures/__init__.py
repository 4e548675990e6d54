"""Dialogues as pictures: the flow of a mode, where the money went, how beliefs moved."""
