"""The first shape: records, facts, links, states, settings, audit."""

import sqlalchemy as sa
from alembic import op

from bihuan.store.migrations.shapes import add_record_table

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

RECORDS = (
    "alerts",
    "case_steps",
    "cases",
    "corrections",
    "effects",
    "events",
    "findings",
    "notices",
    "suspects",
    "verdicts",
    "warnings",
)


def upgrade() -> None:
    """Make every table."""
    for name in RECORDS:
        add_record_table(name)
    op.create_table(
        "facts",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("valid_from", sa.String(10), primary_key=True),
        sa.Column("valid_to", sa.String(10), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("from_ref", sa.String(160), primary_key=True),
        sa.Column("to_ref", sa.String(160), primary_key=True),
        sa.Column("relation", sa.String(32), primary_key=True),
    )
    op.create_index("links_by_to", "links", ["to_ref"])
    op.create_table(
        "states",
        sa.Column("name", sa.String(160), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    _settings_and_audit()


def _settings_and_audit() -> None:
    op.create_table(
        "settings",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("valid_from", sa.String(10), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("settings_by_name", "settings", ["name", "valid_from", "at"])
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(80), nullable=False),
        sa.Column("hash", sa.String(80), nullable=False),
    )
