"""What further doors bring besides readings: vehicles at gates, tracks of moving instruments, pictures of videos."""

from bihuan.store.migrations.shapes import add_record_table

revision = "v0004_doors"
down_revision = "v0003"
branch_labels = None
depends_on = None

RECORDS = ("passages", "pictures", "tracks")


def upgrade() -> None:
    """Add the tables."""
    for name in RECORDS:
        add_record_table(name)
