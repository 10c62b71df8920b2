"""The buses that the wiring needs: whether the kernel offers them, and whether we may use them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.doctor.findings import Finding, Severity, well
from firmware_config.catalogues import Phrase, said
from firmware_config.device import DeviceConfig
from firmware_config.parts import PulseWiring


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
    own = {converter.select_pin for converter in config.converters.values() if _is_on_own_bus(converter)}
    for pin in sorted(own, reverse=True):
        yield Need(f"spi0.{8 - pin}", (f"spidev0.{8 - pin}",), "spi", "dtparam=spi=on")
    pulses = any(isinstance(probe.input, PulseWiring) for probe in config.probes)
    if pulses or len(own) < len(config.converters):
        yield Need("gpio", ("gpiochip*",), "gpio", "-")


def _is_on_own_bus(converter: object) -> bool:
    return getattr(converter, "bus", None) == (11, 10, 9)


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
