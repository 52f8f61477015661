"""What the face needs: accounts with their sessions and tokens, marks and shifts of the duty log, bulletins."""

from bihuan.store.migrations.shapes import add_record_table

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

RECORDS = ("accounts", "bulletins", "marks", "sessions", "shifts", "tokens")


def upgrade() -> None:
    """Add the tables."""
    for name in RECORDS:
        add_record_table(name)
