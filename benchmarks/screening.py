"""How well screening finds what a technician would flag, and what it costs.

`python -m benchmarks.screening FILE.csv` screens a recording as a water point would send it, with the defaults,
and compares the flags with the technicians' labels: a column `x`, with `x_qual` beside it that is NULL where
nothing was found wrong. `--learn OTHER.csv` first learns thresholds from the labels of another site; `--write`
and `--settings` keep them in a file. `--cost` measures the processor time of an observation.

A row is called when it is SUSPECT or FAIL. A *segment* is a run of labelled rows; it is found when a row of it
is called. A *false flag* is a run of called rows that touches no labelled row.
"""

import argparse
import csv
import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from math import inf
from pathlib import Path

from benchmarks.scoring import spans
from server.ingest.screener import Screener
from server.store.port import Row
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.screening import DEFAULTS, Bounds, Spans, Track
from waterquality.screening.rate_of_change import RateBounds
from waterquality.screening.spike import SpikeBounds

_NAMES = {"temp": Parameter.TEMPERATURE, "ph": Parameter.PH, "turb": Parameter.TURBIDITY}
# Two more probes of the same sonde; Tskaro has no such parameters, but they fall silent with the others.
_OTHERS = {"cond": Spans((1.0, 5000.0), (1.0, 5000.0)), "do": Spans((0.1, 30.0), (0.1, 30.0))}
_JUDGED = ("ph", "turb")
_NONE = ("NULL", "", "-9999")
_MISSING = Screened(Flag.MISSING, Why.NOT_RECORDED)
_STEP_S = 900.0
_WEEK_ROWS = 7 * 24 * 4
_GRID = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0)  # times the noise of the site
_NOISE_AT = 0.99
_ALLOWED = 0.5  # false flags a week while learning: half of the aim, since the next site is another one
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


def called(site: Site, name: str, bounds: Bounds) -> list[bool]:
    """Whether each row is SUSPECT or FAIL in the end."""
    track, parameter = Track(bounds_with(name, bounds)), _NAMES[name]
    found: list[bool] = []
    for row, observation in enumerate(site.observations):
        found.append(_is_called(track.take(observation, row), parameter))
        for again, which in track.again:
            found[which] = _is_called(again, parameter)
        track.again.clear()
    return found


def _is_called(observation: Observation, parameter: Parameter) -> bool:
    return observation.readings[parameter].flag in (Flag.SUSPECT, Flag.FAIL)


def score(site: Site, name: str, calls: Sequence[bool]) -> dict[str, float | int]:
    """Precision and recall by row, segments found, false flags a week."""
    labels = site.labels[name]
    segments = spans(labels)
    both = sum(call and label for call, label in zip(calls, labels, strict=True))
    false = [(first, last) for first, last in spans(calls) if not any(labels[first : last + 1])]
    runs = len(spans(calls))
    return {
        "row_precision": round(both / sum(calls), 3) if any(calls) else 0.0,
        "row_recall": round(both / sum(labels), 3),
        "segments": len(segments),
        "segments_found": sum(any(calls[first : last + 1]) for first, last in segments),
        "run_precision": round((runs - len(false)) / runs, 3) if runs else 0.0,
        "false_flags": len(false),
        "false_flags_per_week": round(len(false) / site.weeks, 2),
    }


def noise(site: Site, name: str) -> float:
    """How far a value ordinarily stands out from its neighbours: the 99th percentile; needs no label."""
    low, high = DEFAULTS[_NAMES[name]].spans.possible
    taken = (observation.readings[_NAMES[name]].value for observation in site.observations)
    values = [value for value in taken if value is not None and low <= value <= high]
    steps = zip(values, values[1:], values[2:], strict=False)
    stands_out = sorted(abs(value - (before + after) / 2) for before, value, after in steps)
    return stands_out[int(_NOISE_AT * len(stands_out))]


def learned_bounds(name: str, learned: Mapping[str, float], scale: float) -> Bounds:
    """The defaults of a parameter with learned thresholds, times a scale."""
    rate = RateBounds(suspect_per_s=learned["rate"] * scale / _STEP_S)
    spike = SpikeBounds(suspect=learned["spike"] * scale)
    return replace(DEFAULTS[_NAMES[name]], spike=spike, rate=rate)


def learn(site: Site, name: str) -> dict[str, float]:
    """The thresholds that find most segments at few enough false flags; of equals, the fewest."""
    unit = noise(site, name)
    quiet = replace(DEFAULTS[_NAMES[name]], spike=None, rate=None)
    by_spike = {k: called(site, name, replace(quiet, spike=SpikeBounds(suspect=k * unit))) for k in _GRID}
    rates = {k: RateBounds(suspect_per_s=k * unit / _STEP_S) for k in _GRID}
    by_rate = {k: called(site, name, replace(quiet, rate=rate)) for k, rate in rates.items()}

    def value(chosen: tuple[float, float]) -> tuple[int, float]:
        spike, rate = chosen
        both = zip(by_spike[spike], by_rate[rate], strict=True)
        calls = [one or other for one, other in both]
        figures = score(site, name, calls)
        false = figures["false_flags_per_week"]
        return int(figures["segments_found"]) if false <= _ALLOWED else -1, -false

    spike, rate = max(product(_GRID, _GRID), key=value)
    return {"spike": spike * unit, "rate": rate * unit, "noise": unit}


def measure(site: Site, learned: Mapping[str, Mapping[str, float]], *, as_is: bool) -> dict[str, object]:
    """The figures of every parameter that was labelled."""
    figures: dict[str, object] = {}
    for name in _JUDGED:
        bounds, told = DEFAULTS[_NAMES[name]], {}
        if name in learned:
            scale = 1.0 if as_is or name not in _SCALED else noise(site, name) / learned[name]["noise"]
            bounds = learned_bounds(name, learned[name], scale)
            assert bounds.spike
            assert bounds.rate
            told = {
                "spike": round(bounds.spike.suspect, 3),
                "rate": round(bounds.rate.suspect_per_s * _STEP_S, 3),
            }
        figures[name] = {**score(site, name, called(site, name, bounds)), **told}
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
        screener.screen(rows, lambda _: DEFAULTS, may_ask=True)
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
        screener.screen(rows, lambda _: DEFAULTS, may_ask=True)
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
    parser.add_argument("--cost", action="store_true", help="measure the processor time")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args(arguments)
    if options.file is None and not options.cost:
        parser.error("a FILE, or --cost")
    _show(_figures(options), as_json=options.json)


def _figures(options: argparse.Namespace) -> dict[str, object]:
    figures: dict[str, object] = {**cost(), **cost_late()} if options.cost else {}
    learned: dict[str, dict[str, float]] = {}
    if options.settings:
        learned = json.loads(options.settings.read_text(encoding="utf-8"))
    if options.learn:
        other = read(options.learn)
        learned = {name: learn(other, name) for name in _JUDGED}
        figures["learned_from"] = {other.name: measure(other, learned, as_is=True)}
    if options.write:
        options.write.write_text(json.dumps(learned, indent=1) + "\n", encoding="utf-8")
    if options.file:
        site = read(options.file)
        figures |= {"file": site.name, "weeks": round(site.weeks, 1)}
        figures |= measure(site, learned, as_is=options.as_is)
    return figures


def _show(figures: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:>24}  {figure}")


if __name__ == "__main__":
    main()
