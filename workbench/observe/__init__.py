"""What happened, for those who look from outside: logs, metrics, spans, and the sync to the services that teams use.

`spans` tells a dialogue as a tree of timed spans, whatever service they go to. `sync` copies the record to those services.
"""
