"""From the configurations that a device keeps to probes on its hardware: the newest that works.

A configuration on trial is fitted first. When its wiring does not open, that of the light included, it is refused
with the reason, whatever it opened is let go, and the one in force is fitted as before.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from edge.desired import Configurations, Kept
from edge.light import Lamp
from edge.probes.build import build_probes
from edge.probes.hardware import Hardware
from edge.probes.port import Probe
from firmware_config.device import DeviceConfig, load_device_config
from waterquality.errors import ConfigError

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a device runs with.

    Attributes:
        kept: the configuration as it is kept.
        config: as it is read.
        probes: built from it.
        hardware: that they hang on; the holder closes it.
        lamp: at the tap; None where there is none; the holder closes it.
        is_trial: whether it is to be promoted once the agent has started.
    """

    kept: Kept
    config: DeviceConfig
    probes: tuple[Probe, ...]
    hardware: Hardware
    lamp: Lamp | None
    is_trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opens:
    """What opens the wiring of a configuration."""

    hardware_of: Callable[[DeviceConfig], Hardware]
    lamp_of: Callable[[DeviceConfig], Lamp | None]
    volume_m3: float


def fit(
    configurations: Configurations,
    hardware_of: Callable[[DeviceConfig], Hardware],
    calibrated: Callable[[DeviceConfig], DeviceConfig] = lambda wired: wired,
    *,
    lamp_of: Callable[[DeviceConfig], Lamp | None] = lambda _: None,
    volume_m3: float,
) -> Fitted:
    """Fit what is on trial, or else what is in force.

    Args:
        configurations: what the device keeps.
        hardware_of: what to open for a configuration.
        calibrated: puts the certificates in force into a configuration.
        lamp_of: opens the light of a configuration; None where it has none.
        volume_m3: where the meter goes on from, in m3.

    Raises:
        ConfigError: not even the one in force can be used; mended by the operator.
    """
    opens = _Opens(hardware_of=hardware_of, lamp_of=lamp_of, volume_m3=volume_m3)
    trial = _on_trial(configurations)
    if trial is not None:
        try:
            config = calibrated(load_device_config(trial.path))
            return _fitted(trial, config, opens, is_trial=True)
        except ConfigError as error:
            configurations.refuse(str(error))
    kept, wired = configurations.in_force()
    return _fitted(kept, calibrated(wired), opens, is_trial=False)


def _on_trial(configurations: Configurations) -> Kept | None:
    try:
        return configurations.trial()
    except OSError as error:  # a card that takes nothing must not keep the device from measuring
        _log.error("config_not_tried", detail=str(error))
        return None


def _fitted(kept: Kept, config: DeviceConfig, opens: _Opens, *, is_trial: bool) -> Fitted:
    hardware = opens.hardware_of(config)
    try:
        probes = build_probes(config, hardware, volume_m3=opens.volume_m3)
        lamp = opens.lamp_of(config)
    except ConfigError:
        hardware.close()
        raise
    return Fitted(kept, config, probes, hardware, lamp, is_trial)
