"""`tskaro device configure`, `config` and `command`: what a device is told from afar, and what it answers.

`device` is the group of `server.device_cli`, with these commands beside those.
"""

import getpass
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from firmware_config.device import load_device_config
from server.clock import SystemClock
from server.composing import open_database
from server.device_cli import device
from server.remote.desk import PENDING, Configured, Desk
from server.saying import AsJson, SettingsPath, err, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.readings import from_ms, to_ms

__all__ = ["device"]
_LOOK_EVERY_S = 0.3
_NO_ANSWER = 75  # EX_TEMPFAIL of sysexits.h: it may come later
_REFUSED = 1
_Found = TypeVar("_Found")
Id = Annotated[str, typer.Argument(metavar="ID", help="The device, e.g. kk-0007.")]
Wait = Annotated[float, typer.Option("--wait", help="How many seconds to wait for the device's answer.")]
Who = Annotated[
    str,
    typer.Option(
        "--who",
        help="Who asks; kept on record.",
        default_factory=getpass.getuser,
        show_default="your own name",
    ),
]


@device.command()
def configure(
    id_: Id,
    file: Annotated[Path, typer.Argument(help="The device's configuration (TOML).")],
    who: Who,
    wait: Wait = 60.0,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Give a device another configuration. Checked here, tried there; applied or refused as a whole."""
    with refusals():
        config = load_device_config(file)
        desk = _desk(settings)
        version = desk.configure(
            config, file.read_text(encoding="utf-8"), device=id_, who=who, now_ms=_now_ms()
        )
        say(f"{id_}: version {version} is desired")
        answered = _awaited(lambda: _answered(desk, id_, version), wait, f"waiting for {id_} to try it")
    if answered is None:
        say(
            f"{id_} has not answered yet; it gets it as soon as it is on the line: tskaro device config {id_}"
        )
        raise typer.Exit(_NO_ANSWER)
    if answered.state != "applied":
        say(f"refused: {answered.reason}")
        raise typer.Exit(_REFUSED)
    say(f"applied: {id_} runs version {version}")


@device.command()
def config(id_: Id, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Show what a device should run and what it runs. And why it refused what it refused."""
    with refusals():
        found = _desk(settings).configured(id_)
    if as_json:
        typer.echo(json.dumps(_plain(id_, found)))
        return
    if found.version:
        asked = f"{from_ms(found.made_ms):%Y-%m-%d %H:%M} UTC by {found.who}"
        say(f"desired: version {found.version}, {found.state}; asked {asked}")
    else:
        say("desired: nothing was ever asked of it; it runs with the file of its card")
    if found.reason:
        say(f"refused: {found.reason}")
    say(_running(found))
    if found.text:
        out.print(found.text, markup=False, highlight=False, soft_wrap=True)


@device.command()
def command(
    id_: Id,
    name: Annotated[
        str,
        typer.Argument(metavar="COMMAND", help="burst, identify, log_tail, service, state or certificates."),
    ],
    who: Who,
    minutes: Annotated[float | None, typer.Option(help="burst, service: how long; 0 ends it.")] = None,
    seconds: Annotated[float | None, typer.Option(help="identify: how long.")] = None,
    lines: Annotated[int | None, typer.Option(help="log_tail: how many.")] = None,
    wait: Wait = 60.0,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Have a device do something now, and show its reply. It is not done any more once the wait is over."""
    given = {"minutes": minutes, "seconds": seconds, "lines": lines}
    arguments = {key: value for key, value in given.items() if value is not None}
    with refusals():
        desk = _desk(settings)
        asked = desk.command(id_, name, arguments, who=who, now_ms=_now_ms(), lasting_s=wait)
        reply = _awaited(lambda: desk.reply(asked), wait, f"waiting for {id_} to answer")
    if reply is None:
        say(f"{id_} did not answer within {wait:g} s; it will not do it any more")
        raise typer.Exit(_NO_ANSWER)
    if as_json:
        typer.echo(json.dumps(reply))
    elif reply["ok"]:
        _show(reply["result"])
    else:
        say(f"refused: {reply['why']}: {reply['detail']}")
    if not reply["ok"]:
        raise typer.Exit(_REFUSED)


def _desk(settings: Path) -> Desk:
    return Desk(open_database(load_settings(settings)))


def _now_ms() -> int:
    return to_ms(SystemClock().now())


def _awaited(look: Callable[[], _Found | None], within_s: float, doing: str) -> _Found | None:
    """What `look` finds, as soon as it does; None when the time is over."""
    began_s = time.monotonic()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True
    ) as shown:
        task = shown.add_task(doing, total=within_s)
        while (found := look()) is None and time.monotonic() - began_s < within_s:
            time.sleep(_LOOK_EVERY_S)
            shown.update(task, completed=time.monotonic() - began_s)
    return found


def _answered(desk: Desk, id_: str, version: int) -> Configured | None:
    found = desk.configured(id_)
    return None if found.version == version and found.state == PENDING else found


def _running(found: Configured) -> str:
    if found.running_version is None or found.told_ms is None:
        return "running: the device has not said yet"
    told = f"told {from_ms(found.told_ms):%Y-%m-%d %H:%M} UTC"
    if found.running_version:
        return f"running: version {found.running_version}; {told}"
    return f"running: a file of its own, {found.running_sha256[:12]}; {told}"


def _plain(id_: str, found: Configured) -> dict[str, Any]:
    return {
        "device": id_,
        "desired": {
            "version": found.version,
            "sha256": found.sha256,
            "who": found.who,
            "made_ms": found.made_ms,
            "state": found.state,
            "reason": found.reason,
        },
        "running": {
            "version": found.running_version,
            "sha256": found.running_sha256,
            "told_ms": found.told_ms,
        },
    }


def _show(result: dict[str, Any]) -> None:
    for key, value in result.items():
        match value:
            case list():
                for line in value:
                    say(str(line))
            case dict():
                _show({f"{key}.{part}": each for part, each in value.items()})
            case bool():
                say(f"{key}: {'yes' if value else 'no'}")
            case _:
                say(f"{key}: {'none' if value is None else value}")
