"""A device's wiring from the models of its probes alone, the way our guide wires them.

Pure: the text of a `device.toml` that `firmware_config.device` accepts. What the guide cannot know (how many pulses
make a litre at an unknown meter) is refused: it takes a wiring file.
"""

from collections.abc import Iterator, Sequence

from firmware_config.datasheet import Datasheet, PulseSignal, VoltageSignal, load
from firmware_config.signals import EzoSignal, OneWireSignal
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter

_REFERENCE_VOLTS = 3.3
_DIVIDERS = (1.0, 1.5, 2.0, 3.0)  # none; 10 k over 20 k; two alike; 20 k over 10 k
_PINS = (17, 27, 22)
_ORDER = tuple(Parameter)
# What sellers state; a calibration with a known volume is better.
_USUAL_PULSES = {"yf-s201": 450.0}


def device_toml(device: str, models: Sequence[str]) -> str:
    """A `device.toml` for these probes.

    Args:
        device: its id.
        models: names of datasheets, in any order; turbidity comes before pH, as in the guide.

    Raises:
        ConfigError: a model needs a wiring file; mended by the operator.
        UnknownProbeModel: there is no such model; mended by the operator.
    """
    if not models:
        raise ConfigError(
            f"{device}: which probes does it carry? Say --probe MODEL for each, or --wiring FILE"
        )
    signals = [load(model).signal for model in models]
    head = [f'schema_version = 1\ndevice = "{device}"\n']
    if any(isinstance(signal, VoltageSignal) for signal in signals):
        head.append('[converters.adc0]\nkind = "mcp3008"\n')
    return "\n".join([*head, *_probes(models)])


def _probes(models: Sequence[str]) -> Iterator[str]:
    channels, pins = iter(range(8)), iter(_PINS)
    for sheet in sorted(map(load, models), key=lambda sheet: _ORDER.index(sheet.parameter)):
        wired = _input(sheet, channels, pins)
        if wired is None:
            raise ConfigError(
                f"{sheet.model}: how it is wired cannot be guessed; write it down: --wiring FILE"
            )
        yield f'[[probes]]\nparameter = "{sheet.parameter}"\nmodel = "{sheet.model}"\ninput = {{ {wired} }}\n'


def _input(sheet: Datasheet, channels: Iterator[int], pins: Iterator[int]) -> str | None:
    """Where a probe hangs; None where that cannot be guessed."""
    match sheet.signal:
        case VoltageSignal() as signal:
            return _on_converter(signal, next(channels, None))
        case PulseSignal() if sheet.model in _USUAL_PULSES:
            return _on_pin(_USUAL_PULSES[sheet.model], next(pins, None))
        case EzoSignal():
            return "bus = 1"
        case OneWireSignal():
            return 'sensor = "only"'
    return None


def _on_converter(signal: VoltageSignal, channel: int | None) -> str | None:
    most = signal.live_volts[1]
    divider = next((ratio for ratio in _DIVIDERS if most <= _REFERENCE_VOLTS * ratio), None)
    if channel is None or divider is None:
        return None
    return f'converter = "adc0", channel = {channel}, divider = {divider}'


def _on_pin(pulses: float, pin: int | None) -> str | None:
    return None if pin is None else f"pin = {pin}, pulses_per_litre = {pulses}"
