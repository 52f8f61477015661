"""Files of feeds, CSV and Parquet: the national feed, the Beijing stations of UCI, and anything with a mapping file.

Layouts are data (``layouts/*.toml``); a user's mapping has the same form.
"""

from bihuan.devices.csv.feed import PUBLISHED_SCHEMA, Feed, FeedSite, read_feed, recognise
from bihuan.devices.csv.layout import Layout, layouts, load_layout

__all__ = ["PUBLISHED_SCHEMA", "Feed", "FeedSite", "Layout", "layouts", "load_layout", "read_feed", "recognise"]
