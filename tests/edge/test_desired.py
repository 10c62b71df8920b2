"""The configuration from afar: taken when it works, refused when not, and one whole one is there all the time."""

import os
from pathlib import Path
from typing import Any

import pytest

from edge.desired import Configurations
from edge.fitting import fit
from edge.hardware.simulated import SimulatedHardware
from edge.light import Lamp
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import PulseInput
from firmware_config.device import DeviceConfig
from firmware_config.errors import ConfigRefused
from waterquality.wire.desired import AppliedState, Desired

DEVICE = "kk-0001"


def toml(every_s: int = 60, *, device: str = DEVICE, pin: int = 17, more: str = "") -> str:
    return f"""schema_version = 1
device = "{device}"
observe_every_s = {every_s}
{more}
[[probes]]
parameter = "flow"
model = "yf-s201"
[probes.input]
pin = {pin}
pulses_per_litre = 450.0
"""


class Pins(SimulatedHardware):
    """Hardware on which pin 27 is taken by something else."""

    closed = 0

    def pulses(self, *, pin: int, **given: Any) -> PulseInput:
        if pin == 27:
            raise HardwareUnavailable("GPIO27 cannot be opened: taken")
        return super().pulses(pin=pin, **given)

    def close(self) -> None:
        super().close()
        Pins.closed += 1


def pins(_: DeviceConfig) -> Pins:
    return Pins(voltages={}, pulses={17: lambda: 0, 22: lambda: 0})


class Device:
    """A device that may be switched off and on; each start fits what is to be fitted."""

    def __init__(self, folder: Path, own: str = toml()) -> None:
        self.folder, self.own = folder / "config", folder / "device.toml"
        self.own.write_text(own, encoding="utf-8")

    def kept(self, **more: Any) -> Configurations:
        return Configurations(self.folder, self.own, **more)

    def start(self, **more: Any) -> float:
        """Start as the agent does; how often it observes then."""
        kept = self.kept(**more)
        fitted = fit(kept, pins, volume_m3=0.0)
        if fitted.is_trial:
            kept.promote(fitted.kept)
        return fitted.config.observe_every_s

    def tell(self, version: int, text: str) -> bool:
        return self.kept().take(Desired(version, text), DEVICE)

    def applied(self) -> tuple[int, AppliedState, int, str]:
        kept = self.kept()
        said = kept.applied(kept.in_force()[0])
        return said.version, said.state, said.running_version, said.reason


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def test_a_device_that_was_told_nothing_runs_with_the_file_of_its_card(device: Device) -> None:
    assert device.start() == 60
    assert device.applied() == (0, AppliedState.APPLIED, 0, "")


def test_a_configuration_that_works_is_in_force_from_the_next_start_on(device: Device) -> None:
    assert device.tell(1, toml(30))
    assert device.start() == 30
    assert device.start() == 30
    assert device.applied() == (1, AppliedState.APPLIED, 1, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("this is no TOML", "version 2: not TOML"),
        (toml(more="samples_per_raeding = 3"), "version 2: samples_per_raeding: unknown key; did you mean"),
        (toml(0), "version 2: observe_every_s: should be greater than"),
        (toml(device="kk-0002"), "device: this is kk-0001, not kk-0002"),
        (toml(pin=99), "version 2: probes[0].input.pin"),
    ],
)
def test_one_that_does_not_validate_is_refused_with_the_reason_and_the_old_one_stays(
    device: Device, text: str, reason: str
) -> None:
    device.tell(1, toml(30))
    device.start()

    assert not device.tell(2, text)
    assert device.start() == 30
    version, state, running, said = device.applied()
    assert (version, state, running) == (2, AppliedState.REFUSED, 1)
    assert said.startswith(reason)


def test_one_whose_wiring_does_not_open_is_refused_what_it_opened_is_closed_and_the_old_one_stays(
    device: Device,
) -> None:
    device.tell(1, toml(30))
    device.start()
    closed = Pins.closed

    assert device.tell(2, toml(10, pin=27))
    assert device.start() == 30
    assert device.applied() == (2, AppliedState.REFUSED, 1, "GPIO27 cannot be opened: taken")
    assert Pins.closed == closed + 1


def test_what_was_refused_is_not_tried_again_and_a_newer_version_is(device: Device) -> None:
    device.tell(1, toml(10, pin=27))
    device.start()

    assert not device.tell(1, toml(10, pin=27))
    assert device.tell(2, toml(10, pin=22))
    assert device.start() == 10


def test_the_same_version_told_again_changes_nothing_and_an_older_one_is_ignored(device: Device) -> None:
    device.tell(7, toml(30))
    device.start()

    assert not device.tell(7, toml(30))
    assert not device.tell(7, toml(20))
    assert not device.tell(6, toml(20))
    assert device.start() == 30
    assert device.applied() == (7, AppliedState.APPLIED, 7, "")


def test_one_that_ends_the_agent_each_time_it_is_tried_is_refused_after_three_tries(device: Device) -> None:
    device.tell(1, toml(30))
    device.start()
    device.tell(2, toml(10))

    tried = [device.kept().trial() for _ in range(4)]

    assert [kept.desired.version if kept else None for kept in tried] == [2, 2, 2, None]
    assert device.start() == 30
    assert device.applied() == (
        2,
        AppliedState.REFUSED,
        1,
        "the agent ended each of the 3 times it was tried",
    )


@pytest.mark.parametrize("damage", ["", "\0" * 400, "no head\n" + toml(5)])
def test_a_damaged_file_is_passed_over_for_the_last_good_one(device: Device, damage: str) -> None:
    device.tell(1, toml(30))
    device.start()
    device.tell(2, toml(20))
    device.start()
    (device.folder / "in_force.toml").write_text(damage)

    assert device.start() == 30
    (device.folder / "before.toml").write_text(damage)
    assert device.start() == 60


def test_what_a_technician_writes_afterwards_counts_more_and_the_server_is_told(device: Device) -> None:
    device.tell(1, toml(30))
    device.start()
    device.own.write_text(toml(90))

    assert device.start() == 90
    assert device.applied() == (1, AppliedState.APPLIED, 0, "")

    device.tell(2, toml(20))
    assert device.start() == 20


def test_a_spoilt_card_file_does_not_stop_a_device_that_has_another(device: Device) -> None:
    device.tell(1, toml(30))
    device.start()
    device.own.write_text("spoilt")

    assert device.start() == 30
    device.own.unlink()
    assert device.start() == 30


def test_a_device_with_nothing_that_can_be_used_says_what_is_wrong_with_its_own_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"device\.toml: not TOML"):
        Device(tmp_path, own="spoilt").start()


def steps_of(act: Any) -> int:
    steps: list[str] = []
    act(steps.append)
    return len(steps)


def killed_at(number: int, act: Any) -> None:
    """Do it in a process that ends at the n-th step, as if the power had failed."""
    child = os.fork()
    if child == 0:
        left = [number]

        def die(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)

        try:
            act(die)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def change(folder: Path, step: Any) -> None:
    """A device on version 1 is told version 2, and starts with it."""
    kept = Configurations(folder / "config", folder / "device.toml", step=step)
    kept.take(Desired(2, toml(20)), DEVICE)
    kept = Configurations(folder / "config", folder / "device.toml", step=step)
    fitted = fit(kept, pins, volume_m3=0.0)
    if fitted.is_trial:
        kept.promote(fitted.kept)


def test_a_light_that_does_not_open_is_refused_like_any_other_wiring(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.tell(1, toml(10, more='light = { kind = "led", pin = 23 }'))

    def lamp(config: DeviceConfig) -> Lamp | None:
        if config.light is not None:
            raise HardwareUnavailable("the light cannot be opened: taken")
        return None

    before = Pins.closed
    fitted = fit(device.kept(), pins, lamp_of=lamp, volume_m3=0.0)

    assert (fitted.is_trial, fitted.config.observe_every_s) == (False, 60)
    assert Pins.closed == before + 1
    assert device.applied() == (1, AppliedState.REFUSED, 0, "the light cannot be opened: taken")


def prepared(folder: Path) -> Device:
    folder.mkdir()
    device = Device(folder)
    device.tell(1, toml(30))
    device.start()
    return device


def test_a_power_cut_at_any_step_of_a_change_ends_with_one_whole_configuration(tmp_path: Path) -> None:
    steps = steps_of(lambda step: change(prepared(tmp_path / "all").own.parent, step))
    assert steps > 12
    for number in range(steps):
        device = prepared(tmp_path / f"cut-{number}")
        killed_at(number, lambda die, at=device: change(at.own.parent, die))

        ran = device.start()
        version = device.applied()[2]
        assert (ran, version) in [(30, 1), (20, 2)]

        device.tell(2, toml(20))  # the server tells it again
        assert device.start() == 20
        assert device.applied() == (2, AppliedState.APPLIED, 2, "")


def test_a_card_that_takes_nothing_lets_the_device_go_on_with_what_it_has(device: Device) -> None:
    device.tell(1, toml(30))
    device.start()

    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        device.kept(step=full).take(Desired(2, toml(20)), DEVICE)
    assert device.start() == 30
    device.tell(2, toml(20))
    assert device.start(step=full) == 30
