"""OGC SensorThings 1.1 over what Bihuan keeps: sites, their series and their instruments, read and written."""

from bihuan.app.sta.answers import Answerer
from bihuan.app.sta.catalog import Catalog, Stream, stream_id
from bihuan.app.sta.problems import StaError
from bihuan.app.sta.query import Options, read_options
from bihuan.app.sta.writing import Posted, posted

__all__ = ["Answerer", "Catalog", "Options", "Posted", "StaError", "Stream", "posted", "read_options", "stream_id"]
