"""A pH circuit set in its buffers over a bus of bytes: led to its certificate, or left cleared, and that said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.certificates import CertificateFolder, as_calibrated
from edge.hardware.pi import PiHardware
from edge.hardware.simulated import SimulatedHardware
from edge.hardware.simulated_instruments import SimulatedEzoPh
from edge.live import DirectLive
from edge.probes.build import build_probes
from edge.settings import Door, EdgeSettings
from edge.tap.bench import Bench, GaveUp
from edge.tap.calibrating import calibrate
from edge.tap.rechecking import recheck
from edge.tap.screen import Screen
from edge.tap.sources import Opened, opened
from edge.tap.speaking import speech_of
from firmware_config.device import DeviceConfig
from firmware_config.parts import CalibrationCertificate, CurveKind
from tests.edge.hardware.fake_i2c import FakeElectrode, FakeEzoPh, FakeSmbus
from tests.edge.tap.at_the_tap import ScriptedConsole
from tests.fakes.hand_wound_clock import HandWoundClock
from waterquality.flags import NOT_SCREENED, Why
from waterquality.languages import Language
from waterquality.readings import Reading

CONFIG = DeviceConfig.model_validate(
    {
        "schema_version": 1,
        "device": "kk-0002",
        "probes": [
            {
                "parameter": "ph",
                "model": "ezo-ph",
                "input": {"bus": 1},
                "temperature": {"celsius": 25.0, "within": 0.5},
            }
        ],
    }
)
ENTER = ""
MID, LOW, HIGH = ("7", "7-118", ENTER), ("4", "4-093", ENTER), ("10", "10-2", ENTER)
TWO = ("Nino", "25", *MID, *LOW, "no")


class Dipping(ScriptedConsole):
    """Puts the electrode into the next bottle whenever it is told to."""

    def __init__(self, electrode: FakeElectrode, bottles: tuple[float, ...], *answers: str) -> None:
        super().__init__(*answers)
        self._electrode, self._bottles = electrode, list(bottles)

    def input(self, prompt: object = "", **more: object) -> str:
        answer = super().input(prompt, **more)
        if answer == ENTER:
            self._electrode.standing_in = self._bottles.pop(0)
        return answer


class Interrupting(Dipping):
    """Presses Ctrl-C where it has no answer any more."""

    def input(self, prompt: object = "", **more: object) -> str:
        if not self.left:
            raise KeyboardInterrupt
        return super().input(prompt, **more)


@dataclass
class Tap:
    """A tap with one circuit.

    Attributes:
        smbus: that it hangs on.
        electrode: at the circuit.
        chip: the circuit.
        bench: where it is calibrated, with a console to be given.
    """

    smbus: FakeSmbus
    electrode: FakeElectrode
    chip: FakeEzoPh
    bench: Bench

    def calibrate(
        self, *answers: str, bottles: tuple[float, ...] = (7.0, 4.0, 10.0), language: Language = Language.EN
    ) -> Dipping:
        console = Dipping(self.electrode, bottles, *answers)
        calibrate(replace(self.bench, screen=Screen(console, speech_of(language))))
        assert console.left == []
        return console

    def refused(self, *answers: str, bottles: tuple[float, ...] = (7.0, 4.0, 10.0)) -> str:
        """What was said by a calibration that made no certificate."""
        console = Dipping(self.electrode, bottles, *answers)
        with pytest.raises(GaveUp):
            calibrate(replace(self.bench, screen=Screen(console, speech_of(Language.EN))))
        assert console.left == []
        assert self.bench.folder is not None
        assert self.bench.folder.pages() == ()
        return console.words()

    def rechecked(self, *answers: str, bottles: tuple[float, ...]) -> None:
        """A check by what the agent's own probe reads."""
        assert self.bench.folder is not None
        config, console = as_calibrated(CONFIG, self.bench.folder), Dipping(self.electrode, bottles, *answers)
        hardware = PiHardware(CONFIG, pause=self.smbus.pause, open_bus=lambda _: self.smbus.bus())
        live = DirectLive(build_probes(config, hardware), self.bench.clock)
        screen = Screen(console, speech_of(Language.EN))
        recheck(replace(self.bench, screen=screen, probe=config.probes[0], source=Opened(live)))

    def made(self) -> CalibrationCertificate:
        assert self.bench.folder is not None
        (page,) = self.bench.folder.pages()
        assert page.certificate is not None
        return page.certificate

    def reading_in(self, ph: float) -> Reading:
        """What the agent reads with the certificates in force, once it is warm."""
        assert self.bench.folder is not None
        self.electrode.standing_in = ph
        hardware = PiHardware(CONFIG, pause=self.smbus.pause, open_bus=lambda _: self.smbus.bus())
        (probe,) = build_probes(as_calibrated(CONFIG, self.bench.folder), hardware)
        began = datetime(2025, 11, 24, 6, 0, tzinfo=UTC)
        for minute in range(11):
            (reading,) = probe.measure(began + timedelta(minutes=minute))
        return reading


@pytest.fixture
def tap(tmp_path: Path) -> Iterator[Callable[..., Tap]]:
    buses: list[FakeSmbus] = []

    def made(*, slope_fields: int = 3, **electrode: float) -> Tap:
        smbus, clock = FakeSmbus(), HandWoundClock()
        buses.append(smbus)
        at = FakeElectrode(**electrode)
        chip = smbus.chips[0x63] = FakeEzoPh(smbus, electrode=at, slope_fields=slope_fields)
        hardware = PiHardware(CONFIG, pause=smbus.pause, open_bus=lambda _: smbus.bus())
        bench = Bench(
            screen=Screen(ScriptedConsole(), speech_of(Language.EN)),
            source=Opened(DirectLive((), clock), hardware=hardware),
            clock=clock,
            folder=CertificateFolder(tmp_path),
            device=CONFIG.device,
            probe=CONFIG.probes[0],
        )
        return Tap(smbus, at, chip, bench)

    yield made
    for bus in buses:
        bus.close()


def test_a_circuit_is_set_in_two_buffers_and_certified(tap: Callable[..., Tap]) -> None:
    at = tap()
    console = at.calibrate(*TWO, "yes")

    made = at.made()
    assert at.chip.points == {"mid", "low"}
    assert (made.kind, made.id) == (CurveKind.KEPT, "kk-0002-ph-2025-11-23")
    assert made.points == ((6.915, 7.0), (4.06, 4.0))
    assert made.standards == ("7 pH, lot 7-118", "4 pH, lot 4-093")
    assert (made.slope_percent, made.offset_mv, made.temperature_c) == (98.0, 5.0, 25.0)
    assert made.note == "slope 98.0 % below pH 7"
    assert str(made.expires_on) == "2025-12-23"
    for shown in (
        "It showed 6.915 and is set to 7.",
        "98.0 %",
        "+5.0 mV",
        "Kept.",
        "systemctl start tskaro-edge",
    ):
        assert shown in console.words()


def test_it_is_told_the_temperature_before_each_point_and_the_middle_comes_first(
    tap: Callable[..., Tap],
) -> None:
    at = tap()
    at.calibrate("Nino", "18,5", *TWO[2:], "yes")

    done = [each for each in at.chip.commands if not each.startswith("RT")]
    assert done == ["T,18.50", "Cal,mid,7.00", "Cal,?", "T,18.50", "Cal,low,4.00", "Cal,?", "Slope,?"]
    assert {each for each in at.chip.commands if each.startswith("RT")} == {"RT,18.50"}


def test_the_third_buffer_has_its_own_side_judged_too(tap: Callable[..., Tap]) -> None:
    at = tap(base=0.93)
    at.calibrate(*TWO[:-1], "yes", *HIGH, "yes")

    assert at.chip.points == {"mid", "low", "high"}
    assert at.made().slope_percent == 93.0
    assert at.made().note == "slope 98.0 % below pH 7, 93.0 % above pH 7"


def test_firmware_that_tells_no_offset_is_judged_by_its_slope(tap: Callable[..., Tap]) -> None:
    at = tap(slope_fields=2)
    console = at.calibrate(*TWO, "yes")

    assert at.made().offset_mv is None
    assert "98.0 %" in console.words()
    assert "mV" not in console.words()


def test_what_the_circuit_corrects_itself_is_not_corrected_again(tap: Callable[..., Tap]) -> None:
    at = tap()
    at.calibrate(*TWO, "yes")

    reading = at.reading_in(5.5)
    assert reading.value == pytest.approx(5.5, abs=0.002)
    assert reading.certificate == at.made().id
    assert reading.screened == NOT_SCREENED


def test_a_circuit_that_lost_a_point_of_its_certificate_is_in_doubt(tap: Callable[..., Tap]) -> None:
    at = tap()
    at.calibrate(*TWO, "yes")
    at.chip.points = {"mid"}  # somebody began anew, and the power failed

    assert at.reading_in(7.0).screened.why is Why.PROBE_UNCALIBRATED


@pytest.mark.parametrize(
    ("electrode", "said"),
    [
        ({"acid": 0.8}, "The slope is 80.0 %"),
        ({"acid": 1.08}, "The slope is 108.0 %"),
        ({"offset_mv": -31.0}, "The offset is -31.0 mV"),
    ],
)
def test_an_unfit_electrode_is_refused_with_the_number_and_its_circuit_cleared(
    tap: Callable[..., Tap], electrode: dict[str, float], said: str
) -> None:
    at = tap(**electrode)
    words = at.refused(*TWO)

    assert said in words
    assert "the circuit's calibration was cleared" in words
    assert at.chip.points == set()
    assert at.reading_in(7.0).screened.why is Why.PROBE_UNCALIBRATED


def test_a_worn_side_above_is_refused_only_where_it_was_measured(tap: Callable[..., Tap]) -> None:
    at = tap(base=0.8)

    assert "The slope is 80.0 %" in at.refused(*TWO[:-1], "yes", *HIGH)


def test_mixed_up_bottles_are_told_before_the_circuit_is_touched(tap: Callable[..., Tap]) -> None:
    at = tap()
    words = at.refused("Nino", "25", *MID, "no", bottles=(4.0,))

    assert "as it would in buffer 4.00, and not in 7.00" in words
    assert "the circuit keeps the calibration that it had" in words
    assert not [each for each in at.chip.commands if each.startswith("Cal,") and each != "Cal,?"]


def test_an_electrode_that_does_not_answer_is_told_in_the_second_buffer(tap: Callable[..., Tap]) -> None:
    at = tap()
    words = at.refused("Nino", "25", *MID, *LOW, "yes", ENTER, "no", bottles=(7.0, 7.0, 7.0))

    assert words.count("It shows 7.00, as it would in buffer 7.00, and not in 4.00") == 2
    assert at.chip.points == set()


def test_a_circuit_that_was_set_in_the_wrong_bottles_can_be_cleared_on_the_way(
    tap: Callable[..., Tap],
) -> None:
    at = tap()
    at.electrode.standing_in = 4.0
    at.electrode.set_at("mid", 7.0)
    at.chip.points = {"mid"}
    at.calibrate("Nino", "25", *MID, "no", "yes", ENTER, *LOW, "no", "yes", bottles=(7.0, 7.0, 4.0))

    assert "Cal,clear" in at.chip.commands
    assert at.reading_in(4.0).value == pytest.approx(4.0, abs=0.002)


def test_the_first_buffer_is_one_near_seven(tap: Callable[..., Tap]) -> None:
    at = tap()
    console = at.calibrate("Nino", "25", "4", *TWO[2:], "yes")

    assert "It must lie between 6 and 8." in console.words()


def test_it_can_be_checked_before_and_after_cleaning(tap: Callable[..., Tap]) -> None:
    at = tap()
    at.calibrate(*TWO, "yes")
    at.rechecked("Nino", "7", "-", ENTER, ENTER, bottles=(7.2, 7.0))

    assert at.bench.folder is not None
    found = at.bench.folder.pages()[-1].recheck
    assert found is not None
    assert (found.error_before, found.error_after) == (
        pytest.approx(0.2, abs=0.01),
        pytest.approx(0.0, abs=0.01),
    )


def test_a_temperature_that_no_certificate_can_have_is_asked_for_again(tap: Callable[..., Tap]) -> None:
    at = tap()
    console = at.calibrate("Nino", "250", "25", *TWO[2:], "yes")

    assert "It must lie between -5 and 60." in console.words()
    assert at.made().temperature_c == 25.0


def test_without_an_agent_the_tap_holds_the_hardware_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = SimulatedHardware(circuits={(1, 0x63): lambda _: "?Cal,0"})
    monkeypatch.setattr("edge.tap.sources.PiHardware", lambda _: hardware)
    settings = EdgeSettings.model_construct(door=Door(path=tmp_path / "none.sock"))

    with opened(settings, CONFIG, HandWoundClock()) as source:
        assert source.hardware is hardware


@pytest.mark.parametrize("observe_every_s", [10.0, 900.0])
def test_a_probe_that_had_power_for_an_hour_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observe_every_s: float
) -> None:
    hardware = SimulatedHardware(circuits={(1, 0x63): SimulatedEzoPh(lambda: 7.2, points=2)})
    monkeypatch.setattr("edge.tap.sources.PiHardware", lambda _: hardware)
    settings = EdgeSettings.model_construct(door=Door(path=tmp_path / "none.sock"))
    config = CONFIG.model_copy(update={"observe_every_s": observe_every_s})

    with opened(settings, config, HandWoundClock(boottime_ms=3_600_000)) as source:
        (reading,) = next(source.live.frames()).readings
    assert reading.value == 7.2


def test_a_certificate_that_is_not_wanted_leaves_the_circuit_cleared(tap: Callable[..., Tap]) -> None:
    at = tap()

    assert "was cleared" in at.refused(*TWO, "no")
    assert at.chip.points == set()


def test_a_circuit_that_is_pulled_out_half_way_is_not_said_to_be_cleared(tap: Callable[..., Tap]) -> None:
    at = tap()

    at.electrode.set_at = lambda *_: at.smbus.chips.clear()  # type: ignore[method-assign]
    words = at.refused("Nino", "25", *MID)

    assert "The circuit does not obey" in words
    assert "it may be half calibrated" in words


def test_a_circuit_that_does_not_count_the_point_is_not_believed(tap: Callable[..., Tap]) -> None:
    at = tap()
    at.electrode.set_at = lambda *_: at.chip.points.clear()  # type: ignore[method-assign]

    words = at.refused("Nino", "25", *MID)
    assert "The circuit says that it holds 0 points; it should hold 1." in words
    assert "was cleared" in words


def test_ctrl_c_half_way_clears_it(tap: Callable[..., Tap]) -> None:
    at = tap()
    console = Interrupting(at.electrode, (7.0,), "Nino", "25", *MID)
    with pytest.raises(KeyboardInterrupt):
        calibrate(replace(at.bench, screen=Screen(console, speech_of(Language.EN))))

    assert at.chip.points == set()
    assert "was cleared" in console.words()


def test_while_the_agent_holds_the_bus_it_says_how_to_stop_it(
    tap: Callable[..., Tap], tmp_path: Path
) -> None:
    at = tap()
    at.bench = replace(at.bench, source=Opened(at.bench.source.live, door=tmp_path / "edge.sock"))

    assert "sudo systemctl stop tskaro-edge" in at.refused()
    assert at.chip.commands == []


@pytest.mark.parametrize("language", [each for each in Language if each is not Language.EN])
def test_it_is_guided_in_every_language(tap: Callable[..., Tap], language: Language) -> None:
    at = tap()
    console = at.calibrate(*TWO[:-1], "n", "y", language=language)

    assert at.made().made_by == "Nino"
    assert "%(" not in console.read()
    for english in ("showed", "Press Enter", "Start the agent", "Measure"):
        assert english not in console.read()
