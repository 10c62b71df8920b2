"""What one observation costs on its way, step by step, in one process: `python -m benchmarks.path --json`.

No network: the figures are the CPU and disk of our own code. Medians of several rounds; on a shared machine read
the ratios, not the milliseconds.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.seeds import shipped_rules
from alerts.watch import Watch
from edge.clock import Instant
from edge.economy import Economy
from edge.outbox import Outbox
from server.database.engine import Database
from server.database.migrate import migrate
from server.ingest.books import Books
from server.ingest.intake import Intake
from server.ingest.subscriber import Arrival
from server.ledger import SqlLedger
from server.registry.current import CurrentRegistry
from server.registry.writing import (
    NewWaterPoint,
    add_device,
    add_municipality,
    add_water_point,
    deploy,
    seed_rules,
)
from server.store.sqlite import SqliteReadingStore
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter, to_ms
from waterquality.topics import Envelope, readings
from waterquality.wire.decode import decode
from waterquality.wire.encode import Packed, encode, pack

DEVICE, EPOCH = "kk-0001", "9f1c2a7e"
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
_ROUNDS = 5


def observation(seq: int) -> Observation:
    """An ordinary observation of three parameters, raw volts and meter included."""
    return Observation(
        DEVICE,
        EPOCH,
        seq,
        to_ms(START) + seq * 1000,
        by_parameter(
            Reading(Parameter.TURBIDITY, 0.31 + seq % 7 / 100, raw=0.0093),
            Reading(Parameter.PH, 7.42, raw=1.4255),
            Reading(Parameter.FLOW, 10.98, raw=110.0, raw_unit="count"),
            Reading(Parameter.VOLUME, 182.331 + seq / 1000),
        ),
    )


def batches(count: int, size: int, *, first: int = 1) -> list[Arrival]:
    """Observations as they arrive, so many in a message."""
    packed: list[Packed] = [pack(observation(seq)) for seq in range(first, first + count)]
    parts = [packed[at : at + size] for at in range(0, count, size)]
    return [
        Arrival(
            readings(Envelope(DEVICE, EPOCH, part[0].first, part[-1].last)),
            encode(DEVICE, EPOCH, 1, part, deflate=size > 1),
            part[-1].taken_ms + 500,
        )
        for part in parts
    ]


def microseconds(work: Callable[[int], object], count: int) -> float:
    """Median µs for each of `count` observations; `work` is given the round."""
    spent = []
    for number in range(_ROUNDS):
        began = time.perf_counter()
        work(number)
        spent.append((time.perf_counter() - began) / count * 1e6)
    return round(statistics.median(spent), 1)


def make_intake(folder: Path) -> Intake:
    """A real intake on SQLite, with the shipped rules."""
    database = Database(f"sqlite:///{folder / 'tskaro.db'}")
    migrate(database)
    names = {}
    with database.writing() as connection:
        seed_rules(connection, shipped_rules())
        add_municipality(connection, "m", names)
        add_water_point(
            connection,
            NewWaterPoint(id="w", municipality="m", names=names, sms_names=names, lat=41.5, lon=44.6),
        )
        models = {Parameter.TURBIDITY: "analog-nephelometer", Parameter.PH: "sen0161-v2"}
        add_device(connection, DEVICE, models, 0)
        deploy(connection, DEVICE, "w", 0)
    store = SqliteReadingStore(folder / "readings.db")
    store.prepare()
    current = CurrentRegistry(database)
    current.refresh()
    return Intake(
        store=store,
        books=Books(database),
        watch=Watch(SqlLedger(database), current),
        registry=current.registry,
        keep=timedelta(days=730),
    )


def measure(folder: Path, count: int) -> dict[str, float]:
    """Every figure."""
    five = batches(count, 5)
    figures: dict[str, float] = {
        "bytes_per_reading_plain_single": round(
            sum(len(a.payload) + len(a.topic) for a in batches(50, 1)) / 150, 1
        ),
        "bytes_per_reading_deflated_15": round(
            sum(len(a.payload) + len(a.topic) for a in batches(60, 15)) / 180, 1
        ),
    }
    outbox = Outbox(folder / "outbox.db", device=DEVICE, serial="bench")
    economy = Economy()
    taken = list(observation(1).readings.values())

    def append(number: int) -> None:
        for step in range(200):
            outbox.append(Instant(to_ms(START) + number * 1000 + step, step, "b", True), economy.of(taken))  # noqa: FBT003

    figures["outbox_append_us"] = microseconds(append, 200)
    figures["encode_us"] = microseconds(
        lambda _: [encode(DEVICE, EPOCH, 1, [pack(observation(1))]) for _ in range(500)], 500
    )
    envelopes = [Envelope(DEVICE, EPOCH, 1 + at * 5, 5 + at * 5) for at in range(len(five))]
    figures["decode_us"] = microseconds(
        lambda _: [decode(a.payload, e) for a, e in zip(five, envelopes, strict=True)], count
    )
    intake = make_intake(folder)
    for size, name in ((1, "intake_us_one_a_message"), (5, "intake_us_five_a_message")):
        first = [1 + number * count + (0 if size == 1 else _ROUNDS * count) for number in range(_ROUNDS)]
        rounds = [batches(count, size, first=start) for start in first]

        def take(number: int, rounds: list[list[Arrival]] = rounds, size: int = size) -> None:
            step = max(1, 500 // size)
            for at in range(0, len(rounds[number]), step):
                part = rounds[number][at : at + step]
                intake.take(part, START + timedelta(seconds=10 * _ROUNDS * count))

        figures[name] = microseconds(take, count)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=2000, help="observations in a round")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.observations)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>36}  {value}")


if __name__ == "__main__":
    main()
