"""`tskaro store init`, `check` and `compact`: the store made, looked at, and kept small."""

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from server.clock import SystemClock
from server.composing import influx_settings, plain_store
from server.saying import AsJson, SettingsPath, err, refusals
from server.settings import DEFAULT_PATH, Store, StoreKind, load_settings
from server.store import influx_check, sqlite_care
from server.store.finding import Finding, Level, worst
from server.store.influx_door import BUCKETS, Basic, InfluxDoor, InfluxSettings, Token
from server.store.influx_setup import set_up
from server.store_saying import tell

_ADMIN_SECRET = "INFLUX_ADMIN_SECRET"  # noqa: S105 - the name of a variable
_MARKS = {Level.WELL: "well", Level.DOUBTFUL: "look", Level.BAD: "BAD"}


def init(
    settings: SettingsPath = DEFAULT_PATH,
    admin: Annotated[
        str,
        typer.Option(help="InfluxDB: an administrator: a user of 1.x, or `token`. The secret is asked for."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make what the store needs. What is there stays; it may be said again.

    The administrator's password or token is asked for, or is the variable INFLUX_ADMIN_SECRET; it is kept nowhere.
    """
    with refusals():
        kept = load_settings(settings).store
        if kept.kind is StoreKind.SQLITE:
            store = plain_store(kept)
            store.prepare()
            store.close()
            steps = [f"{kept.path}: is there"]
        else:
            steps = _init_influx(kept, admin)
    tell({"steps": steps}, "\n".join(steps), as_json=as_json)


def check(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Look whether the store will do. Exits with 0 when it will, 1 with doubts, 2 when not."""
    with refusals():
        kept = load_settings(settings).store
        findings = _findings(kept)
    level = worst(findings)
    shown = [asdict(finding) | {"level": finding.level.name.lower()} for finding in findings]
    tell({"level": level.name.lower(), "findings": shown}, "\n".join(map(_line, findings)), as_json=as_json)
    raise typer.Exit(level)


def compact(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Give room back to the disk. SQLite only: InfluxDB does so by itself."""
    with refusals():
        kept = load_settings(settings).store
        if kept.kind is StoreKind.INFLUXDB:
            said = "InfluxDB compacts its files by itself, some hours after they were last written; nothing to do"
            tell({"compacted": False, "said": said}, said, as_json=as_json)
            return
        with err.status(f"compacting {kept.path}"):
            done = sqlite_care.compact(kept.path)
    text = f"{kept.path}: {done.before / 1e6:.1f} MB, now {done.after / 1e6:.1f} MB"
    tell({"compacted": True, "before": done.before, "after": done.after}, text, as_json=as_json)


def _init_influx(kept: Store, admin: str) -> list[str]:
    own = influx_settings(kept)
    door = InfluxDoor(replace(own, auth=_administrator(own, admin)))
    try:
        user = own.auth if isinstance(own.auth, Basic) and door.major() < BUCKETS and admin else None
        return list(set_up(door, user))
    finally:
        door.close()


def _administrator(own: InfluxSettings, admin: str) -> Basic | Token | None:
    if not admin:
        return own.auth
    secret = os.environ.get(_ADMIN_SECRET) or typer.prompt(f"secret of {admin}", hide_input=True, err=True)
    return Token(secret) if admin == "token" else Basic(admin, secret)


def _findings(kept: Store) -> list[Finding]:
    if kept.kind is StoreKind.SQLITE:
        return list(sqlite_care.check(Path(kept.path)))
    door = InfluxDoor(influx_settings(kept))
    try:
        return list(influx_check.check(door, keep_days=kept.keep_days, now=SystemClock().now))
    finally:
        door.close()


def _line(finding: Finding) -> str:
    mend = f": {finding.mend}" if finding.mend else ""
    return f"{_MARKS[finding.level]:5}{finding.what}: {finding.said}{mend}"
