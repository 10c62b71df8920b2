"""The buses that the wiring needs: whether the kernel offers them, and whether we may use them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.doctor.findings import Finding, Severity, well
from firmware_config.buses import Ads1115
from firmware_config.catalogues import Phrase, said
from firmware_config.device import DeviceConfig
from firmware_config.parts import EzoWiring, Mcp3008, PulseWiring

_OWN_SPI = (11, 10, 9)  # the pins of the Pi's own SPI bus


@dataclass(frozen=True, slots=True)
class Need:
    """Something under /dev that the wiring needs.

    Attributes:
        bus: its name for scripts.
        nodes: any of these will do, relative to /dev; may hold wildcards.
        group: whose members may use it.
        switch_on: what to write into config.txt when it is missing.
    """

    bus: str
    nodes: tuple[str, ...]
    group: str
    switch_on: str


def needs(config: DeviceConfig) -> Iterator[Need]:
    """What the wiring needs, each once."""
    on_spi = [chip for chip in config.converters.values() if isinstance(chip, Mcp3008)]
    own = {chip.select_pin for chip in on_spi if chip.bus == _OWN_SPI}
    for pin in sorted(own, reverse=True):
        yield Need(f"spi0.{8 - pin}", (f"spidev0.{8 - pin}",), "spi", "dtparam=spi=on")
    inputs = [probe.input for probe in config.probes]
    i2c = {chip.bus for chip in config.converters.values() if isinstance(chip, Ads1115)}
    for bus in sorted(i2c | {wiring.bus for wiring in inputs if isinstance(wiring, EzoWiring)}):
        yield Need(f"i2c-{bus}", (f"i2c-{bus}",), "i2c", "dtparam=i2c_arm=on")
    for name, line in config.lines.items():
        yield Need(f"line.{name}", (str(line.port).removeprefix("/dev/"),), "dialout", "enable_uart=1")
    if any(isinstance(wiring, PulseWiring) for wiring in inputs) or any(
        chip.bus != _OWN_SPI for chip in on_spi
    ):
        yield Need("gpio", ("gpiochip*",), "gpio", "-")


def buses(config: DeviceConfig, *, dev: Path = Path("/dev")) -> Iterator[Finding]:
    """Every bus that the wiring needs.

    Args:
        config: what is wired.
        dev: where device nodes are.
    """
    for need in needs(config):
        found = [node for pattern in need.nodes for node in sorted(dev.glob(pattern))]
        yield _judged(need, found)


def _judged(need: Need, found: list[Path]) -> Finding:
    what = f"bus.{need.bus}"
    if not found:
        words = said("%(bus)s is not there.", bus=need.bus)
        return Finding(what, Severity.BROKEN, words, _switch_on(need))
    if not any(os.access(node, os.R_OK | os.W_OK) for node in found):
        return Finding(
            what,
            Severity.BROKEN,
            said("%(node)s is there, and this user may not use it.", node=found[0]),
            said("sudo usermod -aG %(group)s tskaro, then restart the agent.", group=need.group),
        )
    return well(what, said("%(bus)s is there and may be used.", bus=need.bus))


def _switch_on(need: Need) -> Phrase:
    if need.switch_on == "-":
        return said("The kernel of this machine offers no pins; is it a Raspberry Pi?")
    return said("Write %(line)s into /boot/firmware/config.txt and restart the board.", line=need.switch_on)
