import pytest

from edge.hardware.simulated import SimulatedRegisters
from edge.probes.inputs import ProbeFault
from edge.probes.registers import RegisterInstrument, number_in, words_of
from firmware_config.datasheet import load
from firmware_config.signals import Register
from tests.builders import instant

NOW = instant("2026-11-20T06:00:00Z")


def register(kind, **given):
    return Register(address=0, function="holding", type=kind, **given)


@pytest.mark.parametrize(
    ("words", "how", "number"),
    [
        ([0xFFFE], register("int16"), -2.0),
        ([0xFFFE], register("uint16"), 65534.0),
        ([0x0135], register("uint16", scale=0.1), 30.9),
        ([0xFFFF, 0xFFFE], register("int32"), -2.0),
        ([0x0001, 0x0000], register("uint32"), 65536.0),
        ([0x4148, 0xF5C3], register("float32"), 12.56),
        ([0xF5C3, 0x4148], register("float32", word_order="little"), 12.56),
        ([0x4841, 0xC3F5], register("float32", byte_order="little"), 12.56),
        ([0xC3F5, 0x4841], register("float32", word_order="little", byte_order="little"), 12.56),
    ],
)
def test_registers_make_a_number_as_the_datasheet_says(words, how, number):
    assert words_of(how) == len(words)
    assert number_in(words, how) == pytest.approx(number, rel=1e-6)


@pytest.mark.parametrize("words", [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]])
def test_no_number_is_a_fault_and_no_reading(words):
    with pytest.raises(ProbeFault, match="no value"):
        number_in(words, register("float32"))


def nephelometer(**registers):
    words = {0: 0x4148, 1: 0xF5C3, 2: 0} | {int(at[1:]): word for at, word in registers.items()}
    return RegisterInstrument(SimulatedRegisters(lambda: words), load("modbus-nephelometer").signal)


def test_a_probe_that_is_well_shows_its_value():
    assert nephelometer().show(NOW).value == pytest.approx(12.56)


@pytest.mark.parametrize("status", [0x0001, 0x0002, 0x0003, 0x8001])
def test_a_probe_that_says_it_is_not_well_shows_nothing(status):
    with pytest.raises(ProbeFault, match=f"status {status & 3:#06x}"):
        nephelometer(r2=status).show(NOW)


def test_bits_that_are_not_of_its_health_are_none_of_our_business():
    assert nephelometer(r2=0xFFFC).show(NOW).value == pytest.approx(12.56)


def test_a_model_without_a_status_is_asked_for_its_value_alone():
    signal = load("sen0710").signal
    asked = []
    source = SimulatedRegisters(lambda: asked.append(1) or {0: 45})

    assert RegisterInstrument(source, signal).show(NOW).value == pytest.approx(4.5)
    assert len(asked) == 1
