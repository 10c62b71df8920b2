"""The kernel's own simulated GPIO chip (gpio-sim), on a machine that has it; as root, with configfs mounted."""

import importlib.util
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIG = Path("/sys/kernel/config/gpio-sim")
_LINES = 28
_INTERRUPTS_S = 0.1  # what the kernel's interrupt threads may take to tell of the last edge


def why_not() -> str:
    """Why there is no simulated chip to be had here; "" when there is."""
    return "" if os.access(_CONFIG, os.W_OK) else "this machine has no gpio-sim"


def why_not_lgpio() -> str:
    """Why gpiozero cannot drive it through lgpio here."""
    return why_not() or ("" if importlib.util.find_spec("lgpio") else "lgpio is not installed here")


@dataclass(frozen=True)
class SimulatedChip:
    """A chip of the kernel, and the world at its pins."""

    device: Path
    lines: Path

    def pulse(self, pin: int, times: int, *, rest_s: float = 0.0) -> None:
        """Pull a line down and up again so often; the edges have been told of when it returns."""
        pull = os.open(self.lines / f"sim_gpio{pin}" / "pull", os.O_WRONLY)
        for _ in range(times):
            os.write(pull, b"pull-down")
            os.write(pull, b"pull-up")
            if rest_s:
                time.sleep(rest_s)
        os.close(pull)
        time.sleep(_INTERRUPTS_S)


@contextmanager
def simulated_chip() -> Iterator[SimulatedChip]:
    """A chip named like that of a Pi's header, for as long as it lasts."""
    made = _CONFIG / f"tskaro-{os.getpid()}"
    bank = made / "bank0"
    bank.mkdir(parents=True)
    (bank / "num_lines").write_text(str(_LINES))
    (bank / "label").write_text("pinctrl-sim")
    (made / "live").write_text("1")
    device, chip = (made / "dev_name").read_text().strip(), (bank / "chip_name").read_text().strip()
    simulated = SimulatedChip(Path("/dev") / chip, Path("/sys/devices/platform") / device / chip)
    for line in simulated.lines.glob("sim_gpio*"):
        (line / "pull").write_text("pull-up")
    try:
        yield simulated
    finally:
        (made / "live").write_text("0")
        bank.rmdir()
        made.rmdir()
