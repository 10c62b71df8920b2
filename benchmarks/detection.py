"""How well events are found, and what that costs.

`python -m benchmarks.detection FILE.csv --label EVENT [--parameters turbidity,ph,flow] [--from 2016-09-15]`
reads a recording row by row as a water point would send it, and scores the rows from `--from` on (the rows before
it are learned from). `--inject turbidity` puts events into a file instead, and tells what is called without them.
`--points 10000` measures the memory and the processor time of so many water points.
"""

import argparse
import json
import random
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from alerts.events.detector import Detector
from alerts.events.event import Stage
from benchmarks.injection import Plan, inject
from benchmarks.recordings import Recording, named, read
from benchmarks.scoring import score

_SIZES = (1.0, 2.0, 3.0, 5.0)
_MINUTE_MS = 60_000
_VILLAGE = {"turbidity": 0.8, "ph": 7.4, "flow": 11.0, "temperature": 9.5}


def detect(recording: Recording, *, tell: bool = False) -> list[int]:
    """The number of the call sounding in each row; 0 where it is quiet."""
    columns = recording.columns
    detector = Detector(columns.quality, flows=columns.flows, conditions=columns.conditions)
    calls, number = [], 0
    for at_ms, values in recording.rows:
        judged = detector.observe(at_ms, values)
        sounds = judged.stage is Stage.EVENT
        number += sounds and judged.is_new
        calls.append(number if sounds else 0)
        if tell and judged.is_new and judged.event is not None:
            when = datetime.fromtimestamp(at_ms / 1000, UTC)
            print(f"{when:%Y-%m-%d %H:%M}  {judged.stage:10}  {judged.event.sentence()}")
    return calls


def measure(recording: Recording, *, since: str | None, tell: bool) -> dict[str, object]:
    """The figures of one labelled recording."""
    calls = detect(recording, tell=tell)
    times = [at_ms for at_ms, _ in recording.rows]
    first = 0
    if since is not None:
        begin_ms = datetime.fromisoformat(since).replace(tzinfo=UTC).timestamp() * 1000
        first = next((at for at, at_ms in enumerate(times) if at_ms >= begin_ms), 0)
    columns = recording.columns
    read_as = {"quality": columns.quality, "flows": columns.flows, "conditions": columns.conditions}
    return {**read_as, **score(recording.labels[first:], calls[first:], times[first:])}


def measure_injected(recording: Recording, parameter: str) -> dict[str, object]:
    """What is called in a recording as it is, and how much of what is put into it is found, by size."""
    column = named(parameter, recording.columns.quality)[0]
    times = [at_ms for at_ms, _ in recording.rows]
    as_is = score(recording.labels, detect(recording), times)
    figures: dict[str, object] = {"called_per_week_as_it_is": as_is["false_alarms_per_week"]}
    for size in _SIZES:
        injected = inject(recording, Plan(column, seed=1, size=size))
        figures[f"size_{size:g}"] = score(injected.labels, detect(injected), times)
    return figures


def measure_many(points: int) -> dict[str, float]:
    """What so many water points cost, each with four weeks behind it."""
    saved = _seasoned().save()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    detectors = [Detector.restore(saved) for _ in range(points)]
    after_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    rounds = 3
    for minute in range(rounds):
        values = _village(40_321 + minute)
        for detector in detectors:
            detector.observe((40_321 + minute) * _MINUTE_MS, values)
    spent = time.process_time() - began
    began = time.process_time()
    for detector in detectors[:100]:
        detector.save()
    saving = (time.process_time() - began) / len(detectors[:100])
    return {
        "points": points,
        "us_per_observation": round(spent / rounds / points * 1e6, 1),
        "cpu_percent_at_one_a_minute": round(spent / rounds / 60 * 100, 2),
        "kb_per_point": round((after_kb - before_kb) / points, 1),
        "saved_bytes": len(saved),
        "save_us": round(saving * 1e6, 1),
    }


def _seasoned() -> Detector:
    detector = Detector(("turbidity", "ph"), flows=("flow",), conditions=("temperature",))
    for minute in range(4 * 7 * 24 * 60):
        detector.observe(minute * _MINUTE_MS, _village(minute))
    return detector


def _village(minute: int) -> dict[str, float | None]:
    """Four parameters with a noise of two per cent; the same for the same minute."""
    chance = random.Random(minute)
    return {name: round(level * (1 + chance.gauss(0, 0.02)), 3) for name, level in _VILLAGE.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a CSV with a column of time, gzipped or not")
    parser.add_argument("--label", help="the column that marks events")
    parser.add_argument(
        "--parameters", nargs="+", default=[], help="columns, or turbidity ph flow temperature"
    )
    parser.add_argument("--only", help="column=value: rows of one site")
    parser.add_argument("--from", dest="since", help="the first day to score; what is before is learned from")
    parser.add_argument("--inject", metavar="PARAMETER", help="put events into this parameter")
    parser.add_argument("--points", type=int, help="measure what so many water points cost")
    parser.add_argument("--tell", action="store_true", help="print every call with its sentence")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args(arguments)
    figures: dict[str, object] = {}
    if options.points:
        figures |= measure_many(options.points)
    if options.file:
        parameters = [name for part in options.parameters for name in part.split(",") if name]
        recording = read(options.file, label=options.label, parameters=parameters, only=options.only)
        if options.inject:
            figures |= measure_injected(recording, options.inject)
        else:
            figures |= measure(recording, since=options.since, tell=options.tell)
    elif not options.points:
        parser.error("a FILE, or --points")
    _show(figures, as_json=options.json)


def _show(figures: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:>28}  {figure}")


if __name__ == "__main__":
    main()
