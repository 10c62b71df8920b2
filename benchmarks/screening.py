"""How well screening finds what a technician would flag, and what it costs.

`python -m benchmarks.screening FILE.csv` screens a recording as a water point would send it, with the defaults,
and compares the flags with the technicians' labels: a column `x`, with `x_qual` beside it that is NULL where
nothing was found wrong. `--learn OTHER.csv` first learns thresholds from the labels of another site; `--write`
and `--settings` keep them in a file. `--months own|beside` also judges each value by its month (see `climate`).
`--cost` measures the processor time of an observation.

A row is called when it is SUSPECT or FAIL. A *segment* is a run of labelled rows; it is found when a row of it
is called. A *false flag* is a run of called rows that touches no labelled row.
"""

import argparse
import csv
import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from server.ingest.screener import Screener
from server.store.port import Row
from server.store.rollup import DAY_MS
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.screening import DEFAULTS, Bounds, Spans
from waterquality.screening.climatology import Climate, month_of
from waterquality.screening.learning import QUARTER_S, History, Learned, called, learn, noise, runs
from waterquality.screening.months import LEAST_DAYS, Day, Month, climate_of, month_beside, spans_of

_NAMES = {"temp": Parameter.TEMPERATURE, "ph": Parameter.PH, "turb": Parameter.TURBIDITY}
# Two more probes of the same sonde; Tskaro has no such parameters, but they fall silent with the others.
_OTHERS = {"cond": Spans((1.0, 5000.0), (1.0, 5000.0)), "do": Spans((0.1, 30.0), (0.1, 30.0))}
_JUDGED = ("ph", "turb", "temp")
_LEARNED = ("ph", "turb")
_NONE = ("NULL", "", "-9999")
_MISSING = Screened(Flag.MISSING, Why.NOT_RECORDED)
_WEEK_ROWS = 7 * 24 * 4
# Noise of turbidity differs by site as its level does; that of pH, a logarithm, is the last digit everywhere.
_SCALED = ("turb",)


@dataclass(frozen=True, slots=True)
class Site:
    """A recording: what the device sent, and what the technicians found wrong, by column."""

    name: str
    observations: list[Observation]
    labels: dict[str, list[bool]]

    @property
    def weeks(self) -> float:
        """How long it is."""
        return len(self.observations) / _WEEK_ROWS


def read(path: Path) -> Site:
    """Read a recording."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    names = [name for name in (*_NAMES, *_OTHERS) if name in table[0]]
    observations = [_observation(number, row, names) for number, row in enumerate(table)]
    labels = {name: [row[f"{name}_qual"] not in _NONE for row in table] for name in _JUDGED}
    return Site(path.name, observations, labels)


def _observation(number: int, row: Mapping[str, str], names: Sequence[str]) -> Observation:
    taken_at = datetime.fromisoformat(row["datetime"]).replace(tzinfo=UTC)
    readings = [_reading(_NAMES.get(name, name), row[name]) for name in names]
    return Observation(
        "kk-0001", "9f1c2a7e", number + 1, int(taken_at.timestamp()) * 1000, by_parameter(*readings)
    )


def _reading(parameter: Parameter, text: str) -> Reading:
    value = None if text in _NONE else float(text)
    return Reading(parameter, value, screened=_MISSING if value is None else NOT_SCREENED)


def bounds_with(name: str, bounds: Bounds) -> dict[Parameter, Bounds]:
    """The defaults of all probes of the sonde, with one parameter's own."""
    others = {other: Bounds(spans=possible) for other, possible in _OTHERS.items()}
    return {**DEFAULTS, **others, _NAMES[name]: bounds}


def score(site: Site, name: str, calls: Sequence[bool]) -> dict[str, float | int]:
    """Precision and recall by row, segments found, false flags a week."""
    labels = site.labels[name]
    segments, called_runs = runs(labels), runs(calls)
    both = sum(call and label for call, label in zip(calls, labels, strict=True))
    false = [(first, last) for first, last in called_runs if not any(labels[first : last + 1])]
    found = len(called_runs)
    return {
        "row_precision": round(both / sum(calls), 3) if any(calls) else 0.0,
        "row_recall": round(both / sum(labels), 3) if any(labels) else 0.0,
        "segments": len(segments),
        "segments_found": sum(any(calls[first : last + 1]) for first, last in segments),
        "run_precision": round((found - len(false)) / found, 3) if found else 0.0,
        "false_flags": len(false),
        "false_flags_per_week": round(len(false) / site.weeks, 2),
    }


def learn_from(site: Site) -> dict[str, Learned]:
    """What the labels of a site teach, by column; one that never moves teaches nothing."""
    wrong = {_NAMES[name]: labels for name, labels in site.labels.items()}
    history = History(site.observations, wrong)
    taught = {
        name: learn(history, bounds_with(name, DEFAULTS[_NAMES[name]]), _NAMES[name]) for name in _LEARNED
    }
    return {name: each for name, each in taught.items() if each is not None}


def climate(site: Site, name: str, bounds: Bounds, how: str) -> Climate:
    """The spans of the months of a recording, by what is GOOD without them.

    One year is all there is, so it stands for the years before itself.

    Args:
        site: the recording.
        name: the column.
        bounds: by what it is screened without the months.
        how: `own`: a month by its own days and the halves beside it, so it is judged by itself, which flatters;
            `beside`: by the halves beside it alone, so by other days than those judged.
    """
    calls = called(site.observations, bounds_with(name, bounds), _NAMES[name])
    values: dict[int, list[float]] = {}
    for observation, call in zip(site.observations, calls, strict=True):
        value = observation.readings[_NAMES[name]].value
        if value is not None and not call:
            values.setdefault(observation.taken_ms // DAY_MS * DAY_MS, []).append(value)
    days = [Day(at_ms, min(of), max(of)) for at_ms, of in values.items()]
    own = {month: [day for day in days if month_of(day.start_ms) == month] for month in range(1, 13)}
    beside = {month: [day for day in days if month_beside(day.start_ms) == month] for month in own}
    learned = {month: beside[month] + (own[month] if how == "own" else []) for month in own}
    return climate_of(
        _NAMES[name],
        {
            month: Month(*spans_of(_NAMES[name], of), len(of), 1)
            for month, of in learned.items()
            if len(own[month]) >= LEAST_DAYS and len(of) >= LEAST_DAYS
        },
    )


def measure(
    site: Site, learned: Mapping[str, Learned], *, as_is: bool, months: str | None
) -> dict[str, object]:
    """The figures of every parameter that was labelled."""
    figures: dict[str, object] = {}
    for name in _JUDGED:
        bounds, told = DEFAULTS[_NAMES[name]], {}
        if name in learned:
            parameter, scale = _NAMES[name], 1.0
            if name in _SCALED and not as_is:
                scale = noise(site.observations, parameter, bounds) / learned[name].noise
            bounds = learned[name].bounds(bounds, scale)
            assert bounds.spike
            assert bounds.rate
            told = {
                "spike": round(bounds.spike.suspect, 3),
                "rate": round(bounds.rate.suspect_per_s * QUARTER_S, 3),
            }
        if months is not None:
            bounds = replace(bounds, climate=climate(site, name, bounds, months))
        calls = called(site.observations, bounds_with(name, bounds), _NAMES[name])
        figures[name] = {**score(site, name, calls), **told}
    return figures


def cost(devices: int = 500, rounds: int = 60) -> dict[str, float]:
    """Microseconds of processor for an observation of three readings in order, nothing found; the best round.

    As intake has it: a round of one observation of each device, the keeping of neighbours included.
    """
    screener = Screener(_Nothing(), lambda _: False)
    best = inf
    for minute in range(rounds):
        rows = [Row("algeti", _ordinary(f"kk-{number:04}", minute), 0) for number in range(devices)]
        began = time.process_time()
        screener.screen(rows, lambda _: DEFAULTS, may_ask=lambda: True)
        screener.stored()
        spent = time.process_time() - began
        best = min(best, spent) if minute > rounds // 2 else inf
    return {"cpu_us_per_observation": round(best / devices * 1e6, 2), "readings": 3, "devices": devices}


def cost_late(devices: int = 500, messages: int = 4, repeats: int = 3) -> dict[str, float]:
    """The same where every device drains a backlog in one round, after its newest observation; the best.

    The store holds nothing and costs nothing: what is measured is the judging.
    """
    minutes = (15 * messages + 500, *range(15 * messages))
    names = [f"kk-{number:04}" for number in range(devices)]
    rows = [Row("algeti", _ordinary(name, minute), 0) for minute in minutes for name in names]
    best = inf
    for _ in range(repeats):
        screener = Screener(_Nothing(), lambda _: False)
        began = time.process_time()
        screener.screen(rows, lambda _: DEFAULTS, may_ask=lambda: True)
        best = min(best, time.process_time() - began)
    return {"late_cpu_us_per_observation": round(best / len(rows) * 1e6, 2), "late_in_one_round": len(rows)}


class _Nothing:
    """A store that holds nothing, and need not be asked."""

    def neighbours(self, *_: object, **__: object) -> Sequence[Row]:
        return []


def _ordinary(device: str, minute: int) -> Observation:
    values = {
        Parameter.TURBIDITY: 0.3 + 0.01 * (minute * 7 % 5),
        Parameter.PH: 7.4 + 0.01 * (minute * 3 % 4),
        Parameter.FLOW: 11.0 + 0.1 * (minute % 7),
    }
    readings = by_parameter(*(Reading(parameter, round(value, 3)) for parameter, value in values.items()))
    return Observation(device, "9f1c2a7e", minute + 1, 1_763_900_000_000 + minute * 60_000, readings)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, help="a recording with labels, gzipped or not")
    parser.add_argument("--learn", type=Path, metavar="OTHER", help="learn from this recording first")
    parser.add_argument("--settings", type=Path, help="use what was learned before")
    parser.add_argument("--write", type=Path, help="where to keep what was learned")
    parser.add_argument("--as-is", action="store_true", help="do not scale thresholds to the noise of FILE")
    parser.add_argument(
        "--months", choices=("own", "beside"), help="judge by month too, as FILE itself teaches"
    )
    parser.add_argument("--cost", action="store_true", help="measure the processor time")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args(arguments)
    if options.file is None and not options.cost:
        parser.error("a FILE, or --cost")
    _show(_figures(options), as_json=options.json)


def _figures(options: argparse.Namespace) -> dict[str, object]:
    figures: dict[str, object] = {**cost(), **cost_late()} if options.cost else {}
    learned: dict[str, Learned] = {}
    if options.settings:
        kept = json.loads(options.settings.read_text(encoding="utf-8"))
        learned = {name: Learned(**each) for name, each in kept.items()}
    if options.learn:
        other = read(options.learn)
        learned = learn_from(other)
        figures["learned_from"] = {other.name: measure(other, learned, as_is=True, months=None)}
    if options.write:
        kept = {name: asdict(each) for name, each in learned.items()}
        options.write.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if options.file:
        site = read(options.file)
        figures |= {"file": site.name, "weeks": round(site.weeks, 1)}
        figures |= measure(site, learned, as_is=options.as_is, months=options.months)
    return figures


def _show(figures: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:>24}  {figure}")


if __name__ == "__main__":
    main()
