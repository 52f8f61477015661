"""The programming interface that the face talks to: FastAPI over the store and the loop of this process."""

from bihuan.app.api.drafting import draft_bulletins
from bihuan.app.api.office import Office
from bihuan.app.api.server import ApiServer, create_app

__all__ = ["ApiServer", "Office", "create_app", "draft_bulletins"]
