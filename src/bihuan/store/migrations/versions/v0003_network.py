"""What the network needs: orders to devices, gaps, on-line spells, forward targets, collocations, signs of forgery."""

from bihuan.store.migrations.shapes import add_record_table

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

RECORDS = ("collocations", "gaps", "orders", "presences", "signs", "targets")


def upgrade() -> None:
    """Add the tables."""
    for name in RECORDS:
        add_record_table(name)
