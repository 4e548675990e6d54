"""Runs the revisions on the connection that `workbench.records.migrate.upgrade` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from workbench.records.schema import metadata, version

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=version.name,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
