"""What an import has to tell the loop that goes on in this process."""

from __future__ import annotations

from bihuan.app.api.office import Office
from bihuan.app.gateway import write_devices
from bihuan.app.importing import Beside
from bihuan.register import Register


def beside_of(office: Office) -> Beside:
    """Return the loop of an office as an import needs it."""

    def renew(register: Register) -> None:
        office.loop.renew_register(register)
        write_devices(office.store.home.devices, register, office.today)
        office.live.tell("overview", now=office.now)

    return Beside(lambda: office.desk, renew)
