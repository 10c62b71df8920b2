"""`tskaro screening`: by what the readings at a water point are screened, and what its own history teaches."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from server.clock import SystemClock
from server.composing import open_database, plain_store
from server.registry.bounds import POSSIBLE, Settled, settled
from server.registry.learning import LEAST_WEEKS, Taught, good_history, teach, written
from server.registry.months import Known
from server.registry.snapshot import Registry, read_registry
from server.saying import AsJson, SettingsPath, err, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import from_ms

_HOUR_S, _QUARTER_S = 3600.0, 900.0
_DEFAULT_SINCE = timedelta(days=60)
_HISTORY = "its own history"
WaterPointId = Annotated[str, typer.Argument(metavar="WATER_POINT", help="Its id in the registry.")]

screening = typer.Typer(no_args_is_help=True, help="How readings are screened.", rich_markup_mode=None)


@screening.command("show")
def show(water_point: WaterPointId, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Show by what a water point is screened, and who says so."""
    with refusals():
        registry = read_registry(open_database(load_settings(settings)))
        rows = [
            row for device in _devices(registry, water_point) for row in _rows(registry, water_point, device)
        ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("device", "parameter", "test", "value", "set by")
    for row in rows:
        said = _said(row["value"], row["unit"]) + _rests_on(row)
        table.add_row(row["device"], row["parameter"], row["test"], said, row["source"])
    out.print(table)


@screening.command("learn")
def learn(
    water_point: WaterPointId,
    settings: SettingsPath = DEFAULT_PATH,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="From this day on (UTC); left out, the last 60 days."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose thresholds from a water point's own history.

    They are those of spike and rate, from what it showed and was found GOOD.

    Prints a piece of a registry file. Nothing is set by it: look at it, then load it.
    """
    with refusals():
        loaded, now = load_settings(settings), SystemClock().now()
        registry, store = read_registry(open_database(loaded)), plain_store(loaded.store)
        device = _devices(registry, water_point)[0]
        begin = now - _DEFAULT_SINCE if since is None else since.replace(tzinfo=UTC)
        history = good_history(store, (water_point, device), since=begin, until=now)
        store.close()
        bounds = registry.bounds((water_point, device))
        names = track(list(Parameter), "learning", console=err, transient=True)
        learned = {name: teach(history, bounds, name) for name in names}
        taught = Taught(len(history.observations), history.weeks, learned)
        if not any(taught.learned.values()):
            raise ConfigError(
                f"{water_point}: {taught.weeks:.1f} weeks of GOOD readings of {device} since {begin:%Y-%m-%d} "
                f"teach nothing; {LEAST_WEEKS:g} weeks in which something moves are the least: "
                "wait, or look farther back with --since"
            )
    if as_json:
        typer.echo(json.dumps(asdict(taught)))
    else:
        say(written(water_point, taught))


def _devices(registry: Registry, water_point: str) -> Sequence[str]:
    """The devices that serve a water point now.

    Raises:
        ConfigError: none does; mended by the operator.
    """
    devices = registry.devices_by_water_point().get(water_point)
    if not devices:
        raise ConfigError(
            f"{water_point}: no device serves a water point of this id; `tskaro device list` lists them"
        )
    return sorted(devices)


def _rows(registry: Registry, water_point: str, device: str) -> Iterator[dict[str, Any]]:
    capabilities, climates = registry.capabilities.get(device, {}), registry.climates(water_point)
    for parameter in Parameter:
        own = settled(
            parameter,
            capabilities.get(parameter),
            registry.layers(water_point, device),
            climates.get(parameter, {}),
        )
        of = {
            "water_point": water_point,
            "device": device,
            "parameter": str(parameter),
            "unit": SPECS[parameter].unit,
        }
        for test, value in _values(own).items():
            yield {**of, "test": test, "value": value, "source": own.sources[test]}
        for month, known in registry.months.get(water_point, {}).get(parameter, {}).items():
            yield {**of, **_by_month(month, known), "in_force": own.is_by_month}


def _by_month(month: int, known: Known) -> dict[str, Any]:
    """What is known of a month, whether or not it counts."""
    of = known.month
    return {
        "test": f"month {month}",
        "value": list(of.widest),
        "ordinary": list(of.ordinary),
        "days": of.days,
        "years": of.years,
        "computed_at": from_ms(known.computed_ms).isoformat(),
        "source": _HISTORY,
    }


def _rests_on(row: Mapping[str, Any]) -> str:
    if "days" not in row:
        return ""
    low, high = row["ordinary"]
    counts = "" if row["in_force"] else "; not in force"
    return f", mostly {low:g} to {high:g}; {row['days']} days of {row['years']} years{counts}"


def _values(own: Settled) -> Mapping[str, Any]:
    """What each test goes by, in the words of a registry file; None where it is not made."""
    bounds = own.bounds
    spike, rate, flat, quiet = bounds.spike, bounds.rate, bounds.flat, bounds.attenuated
    return {
        POSSIBLE: list(bounds.spans.possible),
        "usual": list(bounds.spans.usual),
        "spike": spike and _finite(suspect=spike.suspect, fail=spike.fail),
        "rate": rate
        and _finite(
            suspect_per_quarter=rate.suspect_per_s * _QUARTER_S,
            fail_per_quarter=rate.fail_per_s * _QUARTER_S,
            least=rate.least,
        ),
        "flat": flat
        and _finite(
            suspect_after_hours=flat.suspect_after_s / _HOUR_S,
            fail_after_hours=flat.fail_after_s / _HOUR_S,
            tolerance=flat.tolerance,
            above=flat.above,
        ),
        "attenuated": quiet
        and _finite(period_hours=quiet.period_s / _HOUR_S, suspect_below=quiet.suspect_below),
        "disturbed_hours": bounds.disturbed_s and bounds.disturbed_s / _HOUR_S,
        "months": own.is_by_month,
    }


def _finite(**numbers: float) -> dict[str, float]:
    return {name: round(number, 6) for name, number in numbers.items() if abs(number) < inf}


def _said(value: Any, unit: str) -> str:
    if value is None or value is False:
        return "not made"
    if value is True:
        return "made, where enough is known"
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    if isinstance(value, list):
        return f"{value[0]:g} to {value[1]:g} {unit}"
    return f"{value:g}"
