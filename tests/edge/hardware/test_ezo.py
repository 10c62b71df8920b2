import pytest

from edge.hardware.ezo import EzoCircuit
from edge.probes.inputs import AnswerGarbled, CommandRefused, ProbeDisconnected, ProbeFault
from tests.edge.hardware.fake_i2c import FakeEzoPh, FakeSmbus


@pytest.fixture
def smbus():
    fake = FakeSmbus()
    yield fake
    fake.close()


@pytest.fixture
def chip(smbus):
    smbus.chips[0x63] = FakeEzoPh(smbus)
    return smbus.chips[0x63]


@pytest.fixture
def circuit(smbus, chip):
    return EzoCircuit(smbus.bus(), 0x63, pause=smbus.pause)


def test_a_reading_takes_900_ms_and_no_longer(smbus, circuit):
    assert circuit.ask("R", wait_s=0.9) == "7.000"
    assert smbus.now_s == pytest.approx(0.9)


def test_a_circuit_that_is_still_at_work_is_asked_again(smbus, circuit):
    assert circuit.ask("R", wait_s=0.1) == "7.000"
    assert smbus.now_s == pytest.approx(0.1 + 3 * 0.3)


def test_a_circuit_that_never_comes_to_an_end_is_left_after_a_while(smbus, chip, circuit):
    chip.forced = [b"\xfe"] * 100

    with pytest.raises(ProbeFault, match="does not come to an end with `R`"):
        circuit.ask("R", wait_s=0.9)
    assert smbus.now_s < 3.0


def test_a_syntax_error_is_told_with_the_command(circuit):
    with pytest.raises(CommandRefused, match="`Brew`"):
        circuit.ask("Brew", wait_s=0.3)


def test_a_circuit_that_restarted_between_question_and_answer_has_none(smbus, chip, circuit):
    chip.forced = [b"\xff"]

    with pytest.raises(ProbeFault, match="restarted"):
        circuit.ask("R", wait_s=0.9)


def test_a_code_that_there_is_not_is_garbage(chip, circuit):
    chip.forced = [b"\x007.000"]

    with pytest.raises(AnswerGarbled, match="code 0"):
        circuit.ask("R", wait_s=0.9)


def test_letters_whose_top_bit_the_pi_has_set_are_read_all_the_same(chip, circuit):
    chip.forced = [b"\x01" + bytes(byte | 0x80 for byte in b"7.432")]

    assert circuit.ask("R", wait_s=0.9) == "7.432"


def test_what_cannot_be_printed_is_garbage(chip, circuit):
    chip.forced = [b"\x01\x03\x11"]

    with pytest.raises(AnswerGarbled):
        circuit.ask("R", wait_s=0.9)


def test_what_stands_behind_the_nul_is_no_part_of_the_answer(chip, circuit):
    assert circuit.ask("Cal,?", wait_s=0.3) == "?CAL,0"


def test_an_unplugged_circuit_is_disconnected_and_comes_back(smbus, chip, circuit):
    del smbus.chips[0x63]
    with pytest.raises(ProbeDisconnected):
        circuit.ask("R", wait_s=0.9)
    smbus.chips[0x63] = chip

    assert circuit.ask("R", wait_s=0.9) == "7.000"
