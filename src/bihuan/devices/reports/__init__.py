"""Reports of micro-stations, road-dust instruments and gateways of other makers: our small JSON, or a CSV table.

The shape of both is in ``docs/doors.md``.
"""

from bihuan.devices.reports.names import bare, bracketed, time_column, value_columns
from bihuan.devices.reports.read import ReportAdapter

__all__ = ["ReportAdapter", "bare", "bracketed", "time_column", "value_columns"]
