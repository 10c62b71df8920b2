"""`tskaro sms balance` and `tskaro sms test`: what is left with the gateways, and whether a text gets through."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alerts.ports import Fate
from alerts.transports.failover import Failover
from alerts.transports.port import Handover, Prepaid, RecipientRejected, Text
from server.clock import SystemClock
from server.composing import open_database
from server.gateways import failover, read_gateways
from server.purse import DatabasePurse
from server.registry.telephone import read_telephone
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError, LinkError
from waterquality.readings import to_ms

_ASKED_EVERY_S = 2.0
_WORDS = "Tskaro: test. Please ignore."
Only = Annotated[str, typer.Option("--gateway", help="This gateway alone, by its name in gateways.toml.")]


def balance(settings: SettingsPath = DEFAULT_PATH, gateway: Only = "", as_json: AsJson = False) -> None:
    """Show what is left with each gateway, and what today has cost.

    Ends with code 75 if a gateway that has a balance cannot tell it now.
    """
    with refusals():
        gateways = _gateways(settings, gateway)
        rows = [_balance_of(name, each.transport) for name, each in gateways.gateways.items()]
        spent = gateways.spent_tetri() / 100
    ceiling = None if gateways.ceiling.tetri is None else gateways.ceiling.tetri / 100
    if as_json:
        typer.echo(json.dumps({"gateways": rows, "spent_today_lari": spent, "daily_ceiling_lari": ceiling}))
    else:
        table = Table("gateway", "left", "")
        for row in rows:
            left = "" if row["balance"] is None else f"{row['balance']:g} {row['unit']}"
            table.add_row(str(row["gateway"]), left, str(row["detail"]))
        out.print(table, markup=False)
        say(f"today: {spent:.2f} lari" + ("" if ceiling is None else f" of {ceiling:.2f}"))
    if any(row["failed"] for row in rows):
        raise typer.Exit(75)


def test(
    number: Annotated[str, typer.Argument(help="A telephone number; without a country code a Georgian one.")],
    settings: SettingsPath = DEFAULT_PATH,
    gateway: Only = "",
    words: Annotated[str, typer.Option("--text", help="What it says.")] = _WORDS,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to ask whether it was delivered.")
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Send one text, and say what became of it. It costs what a text costs.

    Ends with code 75 if no gateway takes it now, and with 65 if none ever will.
    """
    with refusals():
        gateways, address = _gateways(settings, gateway), _address(number)
        reference = f"test-{to_ms(SystemClock().now()):x}"
        try:
            handover = gateways.send(Text(address, words, reference, is_urgent=True))
        except RecipientRejected as rejection:
            say(f"rejected: {rejection}")
            raise typer.Exit(65) from rejection
        handover = _followed(gateways, handover, wait_s)
    if as_json:
        told = {"fate": handover.fate, "message_id": handover.message_id, "detail": handover.detail}
        typer.echo(json.dumps(told))
    else:
        say(f"{handover.fate}: {handover.detail}")


def _gateways(settings: Path, only: str) -> Failover:
    """The gateways of the settings, or one of them.

    Raises:
        ConfigError: there are none, or none of that name; mended by the operator.
    """
    loaded = load_settings(settings)
    if loaded.notify.gateways is None:
        raise ConfigError(f"{settings}: notify.gateways: names no file of gateways")
    file = read_gateways(loaded.notify.gateways)
    names = [each.name for each in file.gateway]
    if only and only not in names:
        raise ConfigError(f"--gateway {only}: there is no such gateway; there are {', '.join(names)}")
    kept = tuple(each for each in file.gateway if only in ("", each.name))
    purse = DatabasePurse(open_database(loaded))
    return failover(file.model_copy(update={"gateway": kept}), SystemClock(), purse)


def _address(number: str) -> str:
    """A telephone number in E.164.

    Raises:
        ConfigError: it is none; mended by whoever typed it.
    """
    try:
        return read_telephone(number).number
    except ValueError as reason:
        raise ConfigError(f"NUMBER: {reason}") from None


def _balance_of(name: str, transport: object) -> dict[str, str | float | bool | None]:
    row: dict[str, str | float | bool | None] = {
        "gateway": name,
        "balance": None,
        "unit": "",
        "failed": False,
    }
    if not isinstance(transport, Prepaid):
        return {**row, "detail": "has no balance to tell"}
    try:
        found = transport.balance()
    except LinkError as error:
        return {**row, "detail": str(error), "failed": True}
    return {**row, "balance": found.amount, "unit": found.unit, "detail": ""}


def _followed(gateways: Failover, handover: Handover, wait_s: float) -> Handover:
    """Ask what became of it until that is known, or the wait is over."""
    began = time.monotonic()
    while handover.fate is Fate.ACCEPTED and handover.message_id and time.monotonic() - began < wait_s:
        time.sleep(min(_ASKED_EVERY_S, wait_s))
        try:
            handover = gateways.fate_of(handover.message_id)
        except LinkError as error:
            say(str(error))
    return handover
