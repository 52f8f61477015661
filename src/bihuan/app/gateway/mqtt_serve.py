"""The MQTT door as a process of its own: ``python -m bihuan.app.gateway.mqtt_serve``. Its settings are the home's."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from bihuan.app.clock import clock_of
from bihuan.app.gateway.mqtt import MqttConfig, MqttDoor, topics_of
from bihuan.app.logs import start_logging
from bihuan.app.settings import Settings, read_settings
from bihuan.core import BihuanError, SettingError
from bihuan.store import Home


def config_of(home: Home, settings: Settings) -> MqttConfig:
    """Return the door that the settings of a home describe.

    Raises
    ------
    SettingError
        If no broker is named, or a setting is wrong.
    """
    if not settings.text("mqtt_host"):
        raise SettingError("mqtt_host is empty: name the broker's address, or do without this door")
    return MqttConfig(
        home.journal,
        home.devices,
        host=settings.text("mqtt_host"),
        port=settings.whole("mqtt_port"),
        topics=topics_of(settings.text("mqtt_topics")),
        client=settings.text("mqtt_client"),
        user=settings.text("mqtt_user"),
        password=settings.text("mqtt_password"),
        tls=bool(settings["mqtt_tls"]),
        ca=settings.text("mqtt_ca"),
    )


def run_door(config: MqttConfig, clock: str = "wall", while_stdin: bool = False) -> None:
    """Run the door until SIGTERM or SIGINT, or until standard input ends, then stop it cleanly."""
    asyncio.run(_run(config, clock, while_stdin))


async def _run(config: MqttConfig, clock: str, while_stdin: bool, ready: Callable[[], None] | None = None) -> None:
    door = MqttDoor(config, clock_of(clock))
    await door.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if while_stdin:
        loop.add_reader(sys.stdin, ended.set)
    if ready is not None:
        ready()
    await ended.wait()
    if while_stdin:
        loop.remove_reader(sys.stdin)
    await door.stop()


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=Path("bihuan-data"), envvar="BIHUAN_HOME")
@click.option("--clock", default="wall", help="wall, or the clock of a synthetic city.")
@click.option("--while-stdin", is_flag=True, help="Stop when standard input ends, as when the parent dies.")
@click.option("--log-level", default="INFO")
def main(home: Path, clock: str, while_stdin: bool, log_level: str) -> None:
    """Subscribe at an MQTT broker, journal what it delivers, acknowledge it."""
    start_logging(log_level)
    try:
        run_door(config_of(Home(home), read_settings(home)), clock, while_stdin)
    except (BihuanError, OSError) as problem:
        click.echo(f"mqtt: {problem}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
