"""`config.txt` and `cmdline.txt` of the boot partition: what we add, and how it is found again.

Pure: from the text that was there to the text that is to be. Doing it twice changes nothing, and what somebody
else wrote stays. Raspberry Pi OS 12 reads both from the first partition, mounted at /boot/firmware.
"""

import re

from firmware_config.card.needs import Needs
from waterquality.errors import ConfigError

FIRST_RUN = "/boot/firmware/firstrun.sh"
_BEGIN, _END = "# tskaro: begin", "# tskaro: end"
_BLOCK = re.compile(rf"\n*^{_BEGIN}$.*?^{_END}$\n?", re.DOTALL | re.MULTILINE)
_RUN_ONCE = (
    f"systemd.run={FIRST_RUN}",
    "systemd.run_success_action=reboot",
    # Off, so that a person sees that it failed; the log is on the card, and switching it on again tries again.
    "systemd.run_failure_action=poweroff",
    "systemd.unit=kernel-command-line.target",
)
# What a card that was only written, and never booted, has; used where there is nothing to add to.
STOCK_CONFIG = "arm_64bit=1\nauto_initramfs=1\ndisable_fw_kms_setup=1\narm_boost=1\n"
STOCK_CMDLINE = (
    "console=serial0,115200 console=tty1 root=/dev/mmcblk0p2 rootfstype=ext4 fsck.repair=yes rootwait quiet"
    " init=/usr/lib/raspberrypi-sys-mods/firstboot\n"
)


def config_txt(before: str, needs: Needs) -> str:
    """`config.txt` with the buses switched on that the probes need, and the watchdog of the chip."""
    kept = _BLOCK.sub("\n", before).rstrip("\n")
    return "\n".join([kept, "", _BEGIN, "[all]", *_lines(needs), _END, ""]).lstrip("\n")


def cmdline_txt(before: str, needs: Needs, *, country: str = "") -> str:
    """`cmdline.txt`, one line, that runs our script at the next boot and says which country's radio rules hold.

    Args:
        before: as it was.
        needs: a serial line for a probe takes the kernel's console off it.
        country: two capital letters; "" where there is no Wi-Fi.

    Raises:
        ConfigError: something else is to run at the next boot; mended by the operator.
    """
    words = before.split()
    foreign = [word for word in words if word.startswith("systemd.run=") and word not in _RUN_ONCE]
    if foreign:
        raise ConfigError(
            f"cmdline.txt: {foreign[0]} is to run at the next boot: the card was customised by another program. "
            "Write it again without customisation (Raspberry Pi Imager: no, clear settings)"
        )
    kept = [word for word in words if word not in _RUN_ONCE]
    if needs.uart:
        kept = [word for word in kept if not re.match(r"console=(serial0|ttyAMA0|ttyS0)\b", word)]
    if country:
        kept = [word for word in kept if not word.startswith("cfg80211.ieee80211_regdom=")]
        kept.append(f"cfg80211.ieee80211_regdom={country}")
    return " ".join([*kept, *_RUN_ONCE]) + "\n"


def _lines(needs: Needs) -> list[str]:
    lines = ["dtparam=watchdog=on"]
    lines += ["dtparam=i2c_arm=on"] if needs.i2c else []
    lines += ["dtparam=spi=on"] if needs.spi else []
    lines += [f"dtoverlay=w1-gpio,gpiopin={pin}" for pin in needs.one_wire]
    if needs.uart:
        # The full UART for the probe: the small one knows no parity. A Pi 5 has one for the header of its own.
        lines += ["enable_uart=1", "[pi5]", "dtparam=uart0=on", "[all]", "dtoverlay=disable-bt"]
    return lines
