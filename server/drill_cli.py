"""`tskaro drill`: a made-up breach that travels the whole way, and a look at whether one did of late."""

import json
import re
from datetime import timedelta
from typing import Annotated

import typer

from alerts.transports.apprise_gateway import AppriseGateway
from alerts.transports.port import Text
from firmware_config.logs import set_up_logs
from server.clock import SystemClock
from server.composing import broker, open_database
from server.drill.checking import OtherWayAway, overdue, ping
from server.drill.line import DrillLine
from server.drill.record import keep, last_failure, last_good
from server.drill.running import Drill, new_epoch
from server.drill.seen import Seen
from server.drill.setting_up import is_set_up, set_up
from server.drill.stations import Outcome
from server.registry.reserved import DRILL_DEVICE
from server.saying import AsJson, SettingsPath, err, refusals, say
from server.settings import DEFAULT_PATH, ServerSettings, load_settings
from server.settings import Drill as Ways
from server.sole import Sole
from waterquality.errors import ConfigError, LinkError

drill = typer.Typer(no_args_is_help=True, help="A made-up breach that travels the whole way, on a schedule.")
_SPAN = re.compile(r"([1-9][0-9]{0,4})(min|h|d)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days"}


@drill.command("set-up")
def set_up_command(
    phone: Annotated[str, typer.Option(help="Who gets the drill's texts: a telephone of your own.")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Register the drill's own device, water point and person. Again changes nothing but the telephone."""
    with refusals():
        set_up(open_database(load_settings(settings)), phone, SystemClock().now())
    say(f"The drill is set up as {DRILL_DEVICE}; make the broker's files anew (`tskaro broker configure`).")


@drill.command("run")
def run_command(
    settings: SettingsPath = DEFAULT_PATH,
    patience_s: Annotated[float, typer.Option(min=1, help="How long each station may take, in s.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Send a made-up breach the whole way.

    The exit code is 1 where a station fails.
    """
    with refusals():
        loaded = load_settings(settings)
        set_up_logs(level="error", as_json=loaded.log.format == "json")
        outcome = _run(loaded, patience_s, is_quiet=as_json)
    _tell(outcome, as_json=as_json)
    if outcome.failed_at is not None:
        raise typer.Exit(1)


@drill.command("check")
def check_command(
    settings: SettingsPath = DEFAULT_PATH,
    within: Annotated[str, typer.Option(help="How old the last good drill may be: 90min, 2h, 1d.")] = "2h",
    as_json: AsJson = False,
) -> None:
    """Look whether a drill succeeded of late.

    Where none did it is raised by another way, and the exit code is 1.
    """
    with refusals():
        allowed = _span(within)
        loaded = load_settings(settings)
        why = _why(loaded, allowed)
        is_raised = _raise(loaded.drill, why)
    if as_json:
        say(json.dumps({"is_well": not why, "why": why, "is_raised": is_raised}))
    else:
        say(why or "A drill has succeeded of late.")
    if why or not is_raised:
        raise typer.Exit(1)


def _run(loaded: ServerSettings, patience_s: float, *, is_quiet: bool) -> Outcome:
    database, epoch = open_database(loaded), new_epoch()
    if not is_set_up(database):
        raise ConfigError("the drill is not set up; run `tskaro drill set-up --phone …` first")
    sole = Sole(database, "drill")
    if not sole.is_ours():
        raise ConfigError("another drill is under way; wait until it has ended")
    with DrillLine(broker(loaded.mqtt), epoch) as line:
        outcome = Drill(
            line,
            Seen(database),
            SystemClock(),
            epoch=epoch,
            patience_s=patience_s,
            passed=lambda station, seconds: None if is_quiet else say(f"{station}: {seconds:.1f} s"),
        ).run()
    keep(database, outcome)
    sole.release()
    return outcome


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        told = {
            "is_well": outcome.failed_at is None,
            "failed_at": outcome.failed_at,
            "detail": outcome.detail,
            "is_left_open": outcome.is_left_open,
            "took_s": outcome.took_s,
        }
        say(json.dumps(told))
        return
    if outcome.failed_at is not None:
        say(f"{outcome.failed_at}: FAILED: {outcome.detail}")
    if outcome.is_left_open:
        say("The drill's alert is still open; the next drill ends it.")


def _why(loaded: ServerSettings, allowed: timedelta) -> str:
    """Why somebody must look; a database that is away is a reason, not a refusal."""
    try:
        database = open_database(loaded)
        good_at = last_good(database)
        why = overdue(good_at, SystemClock().now(), allowed)
        return f"{why}. {last_failure(database, good_at)}".strip() if why else ""
    except LinkError as trouble:
        return f"nobody can tell whether a drill succeeded: {trouble}"


def _raise(ways: Ways, why: str) -> bool:
    """Use the other ways; returns whether each that is set took it."""
    try:
        if not why and ways.dead_man_url is not None:
            ping(ways.dead_man_url)
        if why and ways.apprise_url is not None:
            text = Text(address="", body=f"Tskaro: {why}", reference="drill-check", is_urgent=True)
            AppriseGateway(ways.apprise_url, "Tskaro drill").send(text)
    except (OtherWayAway, LinkError) as trouble:
        err.print(str(trouble), style="red", highlight=False, markup=False, soft_wrap=True)
        return False
    return True


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ConfigError(f"--within {text!r} is no length of time; write 90min, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
