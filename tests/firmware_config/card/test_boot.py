"""`config.txt` and `cmdline.txt`: what is added, what stays, and that doing it twice changes nothing."""

import re
import subprocess
from pathlib import Path

import pytest

from firmware_config.card.boot import STOCK_CMDLINE, STOCK_CONFIG, cmdline_txt, config_txt
from firmware_config.card.needs import Needs, needs_of
from firmware_config.device import load_device_config
from waterquality.errors import ConfigError

ALL = Needs(spi=True, i2c=True, one_wire=(4, 5), uart=True)
# boot/overlays/README of raspberrypi/firmware: parameters of the base device tree, and overlays with theirs.
BASE_PARAMETERS = {"audio", "i2c", "i2c_arm", "i2c_arm_baudrate", "i2s", "spi", "uart0", "watchdog"}
OVERLAYS = {"w1-gpio": {"gpiopin", "pullup"}, "disable-bt": set()}
# The configuration page of Raspberry Pi's documentation.
SETTINGS = {
    "arm_64bit",
    "auto_initramfs",
    "disable_fw_kms_setup",
    "arm_boost",
    "enable_uart",
    "camera_auto_detect",
}
FILTERS = {"all", "pi5", "cm4"}
GENERATOR = Path("/lib/systemd/system-generators/systemd-run-generator")
WRITTEN = (
    "console=tty1 root=PARTUUID=4e639091-02 rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n"
)


LINE = re.compile(r"#.*|\[(?P<filter>\w+)\]|(?P<key>\w+)=(?P<value>[\w,=-]+)")


def is_known(line: str) -> bool:
    """Whether the firmware of a Pi knows a line of `config.txt`."""
    found = LINE.fullmatch(line)
    if found is None or found["filter"]:
        return found is not None and found["filter"] in FILTERS
    if found["key"] == "dtparam":
        return found["value"].split("=")[0] in BASE_PARAMETERS
    if found["key"] == "dtoverlay":
        name, *given = found["value"].split(",")
        return name in OVERLAYS and {each.split("=")[0] for each in given} <= OVERLAYS[name]
    return found["key"] in {None, *SETTINGS}


def what_is_no_config(text: str) -> list[str]:
    """The lines that it would not know."""
    return [line for line in text.splitlines() if line and not is_known(line)]


def words_of(text: str) -> list[str]:
    assert text.count("\n") == 1, "the firmware reads one line and no more"
    return text.split()


@pytest.mark.parametrize("needs", [Needs(), ALL], ids=["nothing", "everything"])
def test_the_firmware_knows_every_line(needs: Needs) -> None:
    assert what_is_no_config(config_txt(STOCK_CONFIG, needs)) == []


def test_what_the_check_does_not_know_it_says() -> None:
    lines = [
        "dtparam=ic2_arm=on",
        "dtoverlay=w1-gipo",
        "dtoverlay=w1-gpio,pin=4",
        "[pi6]",
        "no line",
        "arm_boots=1",
    ]

    assert what_is_no_config("\n".join(lines)) == lines


def test_only_what_is_wired_is_switched_on() -> None:
    added = config_txt("", Needs(spi=True, one_wire=(4,)))

    assert "dtparam=spi=on\ndtoverlay=w1-gpio,gpiopin=4\n" in added
    assert "i2c" not in added
    assert "uart" not in added


def test_a_second_time_changes_nothing_and_another_wiring_takes_the_place_of_the_first() -> None:
    own = "# mine\n[cm4]\notg_mode=1\n"
    once = config_txt(own, ALL)

    assert config_txt(once, ALL) == once
    assert config_txt(once, Needs()) == config_txt(own, Needs())
    assert once.startswith(own)
    line = cmdline_txt(WRITTEN, Needs(), country="GE")
    assert cmdline_txt(line, Needs(), country="GE") == line


def test_what_stands_in_the_command_line_stays_where_it_stands() -> None:
    assert words_of(cmdline_txt(WRITTEN, Needs()))[: len(WRITTEN.split())] == WRITTEN.split()


def test_a_probe_on_the_serial_line_takes_the_console_off_it() -> None:
    assert "console=serial0,115200" in words_of(cmdline_txt(STOCK_CMDLINE, Needs()))
    assert "console=serial0,115200" not in words_of(cmdline_txt(STOCK_CMDLINE, ALL))
    assert "console=tty1" in words_of(cmdline_txt(STOCK_CMDLINE, ALL))


def test_a_card_that_another_program_has_customised_is_refused_with_what_to_do() -> None:
    other = f"{WRITTEN.strip()} systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot\n"

    with pytest.raises(ConfigError, match=r"customised by another program\. Write it again without"):
        cmdline_txt(other, Needs())


@pytest.mark.skipif(not GENERATOR.exists(), reason="systemd is not installed: run deploy/test-packages.sh")
def test_systemd_makes_of_the_command_line_what_is_meant(tmp_path: Path) -> None:
    line = cmdline_txt(WRITTEN, Needs(), country="GE")

    folders = [tmp_path / each for each in ("normal", "early", "late")]
    for folder in folders:
        folder.mkdir()
    subprocess.run([GENERATOR, *folders], env={"SYSTEMD_PROC_CMDLINE": line}, check=True)
    (unit,) = tmp_path.rglob("kernel-command-line.service")
    text = unit.read_text()
    assert "ExecStart=/boot/firmware/firstrun.sh" in text
    assert "SuccessAction=reboot" in text
    assert "FailureAction=poweroff" in text


@pytest.mark.parametrize(
    ("sample", "needs"),
    [
        ("device", Needs(spi=True, one_wire=(4,))),
        ("device-i2c", Needs(i2c=True)),
        ("device-rs485", Needs(one_wire=(4,))),  # the line hangs on a USB adapter
    ],
)
def test_a_sample_wiring_needs_its_buses_and_nothing_else(sample: str, needs: Needs) -> None:
    path = Path(__file__).parents[3] / "firmware_config" / f"{sample}.sample.toml"

    assert needs_of(load_device_config(path)) == needs


def test_a_converter_on_other_pins_leaves_the_bus_of_the_pi_alone(tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_text(
        """
        schema_version = 1
        device = "kk-0007"
        [converters.adc0]
        kind = "mcp3008"
        clock_pin = 5
        mosi_pin = 6
        miso_pin = 13
        select_pin = 19
        [[probes]]
        parameter = "ph"
        model = "sen0161-v2"
        input = { converter = "adc0", channel = 1 }
        """
    )

    assert needs_of(load_device_config(tmp_path / "device.toml")) == Needs()
