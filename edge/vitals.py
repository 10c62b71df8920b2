"""What the board knows of its own body: power, heat, disk. Read from sysfs; what is not there is None.

Sources: the firmware driver of the Raspberry Pi kernel gives `get_throttled` as hex in sysfs (bits 0 to 3:
    under-voltage,
frequency capped, throttled, hot, now; 16 to 19: the same since the firmware was last asked to forget), and its
hwmon driver, which asks every two seconds and forgets, `in0_lcrit_alarm` for an under-voltage of late.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_UNDER_VOLTAGE, _THROTTLED = 0x1, 0x2 | 0x4 | 0x8
_SINCE = 16
_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One look.

    Attributes:
        under_voltage: whether the supply is too low now or was of late.
        throttled: whether the processor is slowed down now, for want of power or for heat.
        under_voltage_before: whether the firmware remembers an under-voltage.
        throttled_before: whether it remembers slowing down.
        board_c: temperature of the processor, in degrees Celsius.
        disk_free_mb: megabytes free where the outbox lies.
        disk_free_share: the same as a share of the disk.
    """

    under_voltage: bool | None = None
    throttled: bool | None = None
    under_voltage_before: bool | None = None
    throttled_before: bool | None = None
    board_c: float | None = None
    disk_free_mb: float | None = None
    disk_free_share: float | None = None

    def as_numbers(self) -> Mapping[str, float]:
        """What is known, for a health message: truth as 1 and 0."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: round(float(value), 3) for name, value in known.items()}


def read_vitals(disk: Path, *, sys: Path = Path("/sys"), asks_firmware: bool = False) -> Vitals:
    """Look once.

    Args:
        disk: a folder on the disk that the outbox lies on, or will.
        sys: where sysfs is.
        asks_firmware: whether to read `get_throttled` too. The kernel complains in its log, the first time of each
            boot, so it is for a person who wants to know and not for every minute.
    """
    bits = _throttled_bits(sys) if asks_firmware else None
    alarm = _under_voltage_alarm(sys)
    free_mb, free_share = _free(disk)
    return Vitals(
        under_voltage=_either(alarm, bits, _UNDER_VOLTAGE),
        throttled=None if bits is None else bool(bits & _THROTTLED),
        under_voltage_before=None if bits is None else bool(bits >> _SINCE & _UNDER_VOLTAGE),
        throttled_before=None if bits is None else bool(bits >> _SINCE & _THROTTLED),
        board_c=_board_c(sys),
        disk_free_mb=free_mb,
        disk_free_share=free_share,
    )


def _either(alarm: bool | None, bits: int | None, mask: int) -> bool | None:  # noqa: FBT001 - data, not a switch
    if alarm is None and bits is None:
        return None
    return bool(alarm) or bool((bits or 0) & mask)


def _throttled_bits(sys: Path) -> int | None:
    for file in sorted(sys.glob("devices/platform/soc*/soc*:firmware/get_throttled")):
        try:
            return int(file.read_text(), 16)
        except (OSError, ValueError):
            continue
    return None


def _under_voltage_alarm(sys: Path) -> bool | None:
    for folder in sorted(sys.glob("class/hwmon/hwmon*")):
        try:
            if (folder / "name").read_text().strip() == "rpi_volt":
                return (folder / "in0_lcrit_alarm").read_text().strip() == "1"
        except OSError:
            continue
    return None


def _board_c(sys: Path) -> float | None:
    try:
        return int((sys / "class/thermal/thermal_zone0/temp").read_text()) / 1000
    except (OSError, ValueError):
        return None


def _free(disk: Path) -> tuple[float | None, float | None]:
    try:
        stat = os.statvfs(_nearest(disk))
    except OSError:
        return None, None
    share = stat.f_bavail / stat.f_blocks if stat.f_blocks else None
    return stat.f_bavail * stat.f_frsize / _MB, share


def _nearest(folder: Path) -> Path:
    """The folder itself or the nearest one above it that is there."""
    return next((each for each in (folder, *folder.parents) if each.is_dir()), Path("/"))
