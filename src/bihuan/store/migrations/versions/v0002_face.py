"""What the face needs: accounts with their sessions and tokens, marks and shifts of the duty log, bulletins."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

RECORDS = ("accounts", "bulletins", "marks", "sessions", "shifts", "tokens")


def upgrade() -> None:
    """Add the tables."""
    for name in RECORDS:
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
