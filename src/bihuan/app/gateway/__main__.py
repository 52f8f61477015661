"""``python -m bihuan.app.gateway``."""

from bihuan.app.gateway.serve import main

main()
