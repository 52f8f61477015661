"""What the network needs: orders to devices, gaps, on-line spells, forward targets, collocations, signs of forgery."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

RECORDS = ("collocations", "gaps", "orders", "presences", "signs", "targets")


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
