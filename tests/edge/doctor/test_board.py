"""The board, by fakes of the places where it shows itself."""

import os
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.doctor import board
from edge.doctor.examination import as_agent_knows
from edge.doctor.findings import Severity
from edge.vitals import Vitals, read_vitals


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    root = tmp_path / "sys"
    firmware = root / "devices/platform/soc/soc:firmware"
    for folder in (
        firmware,
        root / "class/hwmon/hwmon0",
        root / "class/hwmon/hwmon1",
        root / "class/thermal/thermal_zone0",
    ):
        folder.mkdir(parents=True)
    (firmware / "get_throttled").write_text("0\n")
    (root / "class/hwmon/hwmon0/name").write_text("cpu_thermal\n")
    (root / "class/hwmon/hwmon1/name").write_text("rpi_volt\n")
    (root / "class/hwmon/hwmon1/in0_lcrit_alarm").write_text("0\n")
    (root / "class/thermal/thermal_zone0/temp").write_text("48312\n")
    return root


def test_a_healthy_board(sys: Path, tmp_path: Path) -> None:
    vitals = read_vitals(tmp_path, sys=sys, asks_firmware=True)

    assert (vitals.under_voltage, vitals.throttled, vitals.board_c) == (False, False, 48.312)
    assert vitals.disk_free_mb is not None
    assert board.power(vitals).severity is Severity.WELL
    assert board.heat(vitals).severity is Severity.WELL


@pytest.mark.parametrize(
    ("bits", "alarm", "now", "before"),
    [
        ("0", "0", False, False),
        ("1", "0", True, False),
        ("50005", "0", True, True),
        ("50000", "0", False, True),
        ("0", "1", True, False),
        ("4", "0", False, False),
    ],
)
def test_under_voltage_is_seen_now_of_late_and_before(
    sys: Path, bits: str, alarm: str, now: bool, before: bool
) -> None:
    (sys / "devices/platform/soc/soc:firmware/get_throttled").write_text(f"{bits}\n")
    (sys / "class/hwmon/hwmon1/in0_lcrit_alarm").write_text(f"{alarm}\n")

    vitals = read_vitals(sys, sys=sys, asks_firmware=True)

    assert (vitals.under_voltage, vitals.under_voltage_before) == (now, before)
    expected = Severity.BROKEN if now else Severity.LOOK if before else Severity.WELL
    assert board.power(vitals).severity is expected


def test_a_machine_that_shows_nothing_is_unseen_and_not_well(tmp_path: Path) -> None:
    vitals = read_vitals(tmp_path, sys=tmp_path / "nowhere")

    assert board.power(vitals).severity is Severity.UNSEEN
    assert board.heat(vitals).severity is Severity.UNSEEN
    assert set(vitals.as_numbers()) == {"disk_free_mb", "disk_free_share"}


def test_every_minute_only_what_the_kernel_gives_willingly_is_read(sys: Path) -> None:
    (sys / "devices/platform/soc/soc:firmware/get_throttled").write_text("50005\n")

    vitals = read_vitals(sys, sys=sys)

    assert (vitals.under_voltage, vitals.throttled, vitals.under_voltage_before) == (False, None, None)


def test_what_is_known_travels_as_numbers() -> None:
    assert Vitals(under_voltage=True, board_c=48.3124).as_numbers() == {
        "under_voltage": 1.0,
        "board_c": 48.312,
    }


@pytest.mark.parametrize(
    ("vitals", "severity"),
    [
        (Vitals(board_c=60.0, throttled=False), Severity.WELL),
        (Vitals(board_c=76.0, throttled=False), Severity.LOOK),
        (Vitals(board_c=83.0), Severity.LOOK),
        (Vitals(board_c=60.0, throttled=True), Severity.LOOK),
    ],
)
def test_heat(vitals: Vitals, severity: Severity) -> None:
    assert board.heat(vitals).severity is severity


@pytest.mark.parametrize(
    ("free_mb", "severity"), [(49.0, Severity.BROKEN), (499.0, Severity.LOOK), (501.0, Severity.WELL)]
)
def test_room_on_the_disk(tmp_path: Path, free_mb: float, severity: Severity) -> None:
    (found,) = board.disk(Vitals(disk_free_mb=free_mb), tmp_path / "not" / "yet" / "outbox.db")

    assert found.severity is severity
    assert (found.mend is None) is (severity is Severity.WELL)


def test_a_disk_that_may_not_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere

    (found,) = board.disk(Vitals(disk_free_mb=9000.0), tmp_path / "outbox.db")

    assert found.severity is Severity.BROKEN


def test_the_time_that_the_agent_had_from_the_server_counts_where_no_network_set_the_clock() -> None:
    unset = Instant(60_000, 0, "boot", is_synchronised=False)

    told = as_agent_knows(unset, {"synchronised": True, "time_ms": 1_795_478_400_000})

    assert board.clock(told).severity is Severity.WELL
    assert [as_agent_knows(unset, agent) for agent in (None, {}, {"synchronised": False})] == [unset] * 3


def test_a_pi_is_told_from_other_machines(sys: Path) -> None:
    assert not board.is_raspberry_pi(sys)
    (sys / "firmware/devicetree/base").mkdir(parents=True)
    (sys / "firmware/devicetree/base/model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    assert board.is_raspberry_pi(sys)


@pytest.mark.parametrize(
    ("wall_ms", "is_synchronised", "severity"),
    [
        (1_795_478_400_000, True, Severity.WELL),
        (1_795_478_400_000, False, Severity.LOOK),
        (60_000, False, Severity.BROKEN),
        (60_000, True, Severity.BROKEN),
    ],
)
def test_the_clock(wall_ms: int, is_synchronised: bool, severity: Severity) -> None:
    assert board.clock(Instant(wall_ms, 0, "boot", is_synchronised)).severity is severity
