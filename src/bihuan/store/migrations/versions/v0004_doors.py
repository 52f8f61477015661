"""What further doors bring besides readings: vehicles at gates, tracks of moving instruments, pictures of videos."""

import sqlalchemy as sa
from alembic import op

revision = "v0004_doors"
down_revision = "v0003"
branch_labels = None
depends_on = None

RECORDS = ("passages", "pictures", "tracks")


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
