"""Where all tables are gathered."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, Table, Text

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013")
"""Every schema version, oldest first; the last is the one that this code reads and writes."""
HEAD: Final = REVISIONS[-1]

metadata = MetaData()

version = Table("record_version", metadata, Column("version_num", Text, primary_key=True))
