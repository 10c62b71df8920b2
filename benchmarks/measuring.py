"""What measuring costs the device: a pulse, and a second of 1 Hz sampling: `python -m benchmarks.measuring --json`.

Mock pins and simulated probes; the figures are the CPU of our own code and of gpiozero above the pin. Not in them:
lgpio's own threads, the kernel's interrupts, and the bus of a converter.
"""

import argparse
import json
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from edge.clock import Instant
from edge.hardware.kernel_line import EdgeTally
from edge.hardware.pulse_counter import PulseCounter
from edge.hardware.simulated import SimulatedHardware
from edge.outbox import Outbox
from edge.probes.build import build_probes
from edge.sampler import Sampler
from edge.schedule import Every
from edge.selfcheck import checks_of
from firmware_config.device import DeviceConfig

START_MS = 1_763_900_040_000
_PULSES, _SECONDS, _ROUNDS = 100_000, 600, 5


def cpu_s(work: Callable[[], object]) -> float:
    """Seconds of CPU, the median of several rounds."""
    spent = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def callback_us() -> float:
    """CPU of one pulse, from the tick that the pin hands on."""
    Device.pin_factory = MockFactory()
    counter = PulseCounter(17, pull_up=True)
    pin = Device.pin_factory.pin(17)

    def pulses() -> None:
        for _ in range(_PULSES):
            pin._call_when_changed()  # noqa: SLF001 - what lgpio calls

    spent_s = cpu_s(pulses)
    assert counter.read().count == _PULSES * _ROUNDS
    counter.close()
    return round(spent_s / _PULSES * 1e6, 2)


def kernel_edge_us() -> float:
    """CPU of one pulse that the kernel counted, once it is read."""
    events = struct.Struct("=QIIII24x")
    told = b"".join(events.pack(number * 1_000_000, 2, 17, number, number) for number in range(1, 1001))
    return round(cpu_s(lambda: [EdgeTally(0.0001).take(told) for _ in range(100)]) / 100_000 * 1e6, 2)


def lost_at_1_khz(seconds: float = 10.0) -> int:
    """Pulses lost of a thousand a second, while another thread keeps Python busy."""
    Device.pin_factory = MockFactory()
    counter, pin, made, stop = (
        PulseCounter(17, pull_up=True),
        Device.pin_factory.pin(17),
        0,
        threading.Event(),
    )

    def keep_busy() -> None:
        while not stop.is_set():
            sum(range(5000))

    busy = threading.Thread(target=keep_busy)
    busy.start()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        while made < passed * 1000:
            pin.drive_low()
            pin.drive_high()
            made += 1
        time.sleep(0.001)
    stop.set()
    busy.join()
    lost = made - counter.read().count
    counter.close()
    return lost


def sampler(folder: Path, *, checked: bool) -> Sampler:
    """Turbidity, pH and a meter, 31 samples a reading, observed once a minute."""
    certificate = {
        "id": "a-certificate",
        "made_on": "2025-11-01",
        "made_by": "A. Tester",
        "kind": "linear",
        "standards": ["of known value"],
        "expires_on": "2026-11-01",
    }
    config = DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0001",
            "sample_every_s": 1.0,
            "converters": {"adc0": {"kind": "mcp3008"}},
            "probes": [
                {
                    "parameter": parameter,
                    "model": model,
                    "input": {"converter": "adc0", "channel": channel},
                    "calibration": {**certificate, "points": points},
                }
                for channel, (parameter, model, points) in enumerate(
                    (
                        ("turbidity", "analog-nephelometer", [[0.0, 0.0], [3.0, 100.0]]),
                        ("ph", "sen0161-v2", [[1.5, 7.0], [2.0, 4.0]]),
                    )
                )
            ]
            + [{"parameter": "flow", "model": "yf-s201", "input": {"pin": 17, "pulses_per_litre": 450}}],
        }
    )
    ticks = iter(range(1 << 40))
    hardware = SimulatedHardware(
        voltages={
            ("adc0", 0): lambda: 0.02 + next(ticks) % 7 / 1000,
            ("adc0", 1): lambda: 1.4 + next(ticks) % 5 / 1000,
        },
        pulses={17: lambda: next(ticks) // 2},
    )
    outbox = Outbox(folder / f"outbox-{checked}.db", device="kk-0001", serial="bench")
    checks = checks_of(config) if checked else None
    return Sampler(build_probes(config, hardware), outbox, checks=checks, observations=Every(60))


def second_us(*, checked: bool) -> float:
    """CPU of one second of sampling at 1 Hz, the observation of every minute in it."""
    with tempfile.TemporaryDirectory() as folder:
        made, second = sampler(Path(folder), checked=checked), iter(range(1 << 40))

        def sample() -> None:
            for at in (next(second) for _ in range(_SECONDS)):
                made.observe(Instant(START_MS + at * 1000, at * 1000, "boot", is_synchronised=True))

        return round(cpu_s(sample) / _SECONDS * 1e6, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    with_checks, without = second_us(checked=True), second_us(checked=False)
    figures = {
        "kernel_pulse_us": kernel_edge_us(),
        "gpiozero_pulse_us": callback_us(),
        "lost_at_1_khz_in_10_s": lost_at_1_khz(),
        "sampled_second_us": with_checks,
        "self_checks_us": round(with_checks - without, 1),
        "percent_of_a_core_at_1_hz": round(with_checks / 1e6 * 100, 3),
    }
    if parser.parse_args().json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:28} {figure}")


if __name__ == "__main__":
    main()
