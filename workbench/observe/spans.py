"""A dialogue as a tree of timed spans: the dialogue, its turns, their calls, and the sub-dialogues that turns opened.

All services are told the same spans, each in its own words. Ids follow from what is recorded, so they are the same whenever
and wherever they are made.
"""
