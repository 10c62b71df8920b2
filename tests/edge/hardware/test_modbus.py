import os
import time
from itertools import count

import pytest
from pymodbus.constants import ExcCodes

from edge.hardware.modbus import ModbusLine, check_port
from edge.probes.inputs import AnswerGarbled, ProbeDisconnected, ProbeFault
from firmware_config.buses import LineSettings
from tests.edge.hardware.modbus_slave import Cable, ModbusSlaves

REPLY_WITHIN_S = 0.2


@pytest.fixture
def cable():
    joined = Cable()
    yield joined
    joined.close()


@pytest.fixture
def slaves(cable):
    served = ModbusSlaves(1, cable=cable)
    served.registers[1] = {0: 0x4148, 1: 0xF5C3}
    yield served
    served.close()


@pytest.fixture
def line(cable):
    opened = ModbusLine(LineSettings(cable.master_port, 9600, "none", 1, REPLY_WITHIN_S), pause=time.sleep)
    yield opened
    opened.close()


def read(line, unit=1):
    return line.read(unit, function="holding", address=0, count=2)


def test_the_two_functions_are_3_and_4(slaves, line):
    for function in ("holding", "input"):
        line.read(1, function=function, address=0, count=1)

    assert slaves.functions == [3, 4]


def test_silence_is_a_probe_that_is_disconnected_within_a_known_time(slaves, line):
    begun = time.monotonic()
    with pytest.raises(ProbeDisconnected, match=r"probe 9 .* does not answer within 0.2 s"):
        read(line, unit=9)

    assert time.monotonic() - begun < 4 * REPLY_WITHIN_S + 1.0


BAD_CABLES = {
    "a bit that flips": lambda frame: frame[:-3] + bytes([frame[-3] ^ 1]) + frame[-2:],
    "a frame that is cut short": lambda frame: frame[:4],
    "another address than was asked": lambda frame: bytes([frame[0] + 1]) + frame[1:],
    "noise instead of a frame": lambda frame: b"\xff" * len(frame),
}


@pytest.mark.parametrize("spoil", BAD_CABLES.values(), ids=BAD_CABLES.keys())
def test_a_frame_that_is_no_answer_is_garbled_and_never_a_number(slaves, line, cable, spoil):
    cable.to_master = spoil

    with pytest.raises(AnswerGarbled, match="probe 1 sends"):
        read(line)


def test_one_spoilt_frame_is_asked_for_again(slaves, line, cable):
    frames = count()
    cable.to_master = lambda frame: frame if next(frames) else frame[:4]

    assert read(line) == (0x4148, 0xF5C3)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (ExcCodes.ILLEGAL_FUNCTION, "it does not know the function"),
        (ExcCodes.ILLEGAL_ADDRESS, "it has no such register"),
        (ExcCodes.DEVICE_FAILURE, "it has failed inside"),
        (ExcCodes.DEVICE_BUSY, "it is busy"),
    ],
)
def test_an_exception_is_told_in_plain_words(slaves, line, code, reason):
    slaves.refuses_with = code

    with pytest.raises(ProbeFault, match=f"probe 1 refuses: {reason}"):
        read(line)


def test_after_any_trouble_the_line_reads_on(slaves, line, cable):
    cable.to_master = lambda frame: frame[:4]
    with pytest.raises(AnswerGarbled):
        read(line)
    cable.to_master = bytes

    assert read(line) == (0x4148, 0xF5C3)


def test_an_adapter_that_is_plugged_in_later_is_opened_then(slaves, cable, tmp_path):
    port = tmp_path / "ttyUSB0"
    line = ModbusLine(LineSettings(str(port), 9600, "none", 1, REPLY_WITHIN_S), pause=time.sleep)
    with pytest.raises(ProbeDisconnected, match="ttyUSB0: cannot be opened"):
        read(line)
    port.symlink_to(cable.master_port)

    assert read(line) == (0x4148, 0xF5C3)
    line.close()


def test_a_line_that_another_program_holds_is_no_probe(slaves, line, cable):
    read(line)
    second = ModbusLine(LineSettings(cable.master_port, 9600, "none", 1, REPLY_WITHIN_S), pause=time.sleep)

    with pytest.raises(ProbeDisconnected, match="cannot be opened"):
        read(second)


def test_an_adapter_that_is_pulled_out_is_disconnected():
    cable = Cable()
    slaves = ModbusSlaves(1, cable=cable)
    slaves.registers[1] = {0: 1, 1: 2}
    line = ModbusLine(LineSettings(cable.master_port, 9600, "none", 1, REPLY_WITHIN_S), pause=time.sleep)
    assert read(line) == (1, 2)
    slaves.close()
    cable.close()

    for _ in range(2):
        with pytest.raises(ProbeDisconnected):
            read(line)
    line.close()


def test_frames_are_kept_apart_by_three_and_a_half_characters(slaves, cable):
    pauses = []
    line = ModbusLine(
        LineSettings(cable.master_port, 9600, "none", 1, REPLY_WITHIN_S),
        pause=lambda seconds: (pauses.append(seconds), time.sleep(seconds)),
    )
    read(line), read(line)
    line.close()

    assert pauses == [pytest.approx(0.00401, abs=1e-5)] * 2


def test_a_port_that_may_yet_come_is_accepted_and_what_is_no_port_is_not(cable, tmp_path):
    check_port(cable.master_port)
    check_port(str(tmp_path / "not there yet"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="no serial port"):
        check_port(str(tmp_path / "file"))
    if os.geteuid():
        (tmp_path / "file").chmod(0)
        with pytest.raises(PermissionError):
            check_port(str(tmp_path / "file"))
