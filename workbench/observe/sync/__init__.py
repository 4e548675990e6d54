"""The sync: what lies in the record's outbox goes to the services that it is meant for, each thing once.

`target` says what a service must be able to do; each service is a package of its own that does it.
"""
