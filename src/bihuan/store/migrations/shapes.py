"""The shape of a table of records, as migrations up to v0004 make it; a new shape gets a function of its own."""

import sqlalchemy as sa
from alembic import op


def add_record_table(name: str) -> None:
    """Create a table of records and its indices."""
    op.create_table(
        name,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("cell", sa.String(64), nullable=False),
        sa.Column("start", sa.BigInteger),
        sa.Column("end", sa.BigInteger),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index(f"{name}_by_subject", name, ["subject", "start"])
    op.create_index(f"{name}_by_state", name, ["state", "start"])
    op.create_index(f"{name}_by_start", name, ["start"])
