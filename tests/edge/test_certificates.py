"""The folder of certificates: whole or not at all, never changed, the newest that fits counts, each told once."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge.certificates import CertificateFolder, calibrated, in_force
from edge.certifying import Certifier
from edge.hardware.simulated import SimulatedHardware
from edge.outbox import Outbox
from edge.probes.build import build_probes
from firmware_config.device import DeviceConfig
from firmware_config.filed import Filed, Recheck
from firmware_config.parts import CalibrationCertificate, CurveKind, PulseWiring
from tests.fakes.hand_wound_clock import HandWoundClock
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Reading

DEVICE = "kk-0007"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def config(**calibration: object) -> DeviceConfig:
    ph = {"parameter": "ph", "model": "sen0161-v2", "input": {"converter": "adc0", "channel": 1}}
    flow = {"parameter": "flow", "model": "yf-s201", "input": {"pin": 17, "pulses_per_litre": 450.0}}
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": DEVICE,
            "samples_per_reading": 1,
            "converters": {"adc0": {"kind": "mcp3008"}},
            "probes": [{**ph, **calibration}, flow],
        }
    )


def of_ph(
    name: str = "c-1", *, neutral: float = 1.5, made_on: date = date(2026, 11, 24)
) -> CalibrationCertificate:
    return CalibrationCertificate(
        id=name,
        made_on=made_on,
        made_by="N. Beridze",
        kind=CurveKind.LINEAR,
        points=((neutral, 7.0), (round(neutral + 0.53, 3), 4.0)),
        standards=("7", "4"),
        expires_on=made_on + timedelta(days=30),
    )


def of_flow(pulses: float = 4600.0) -> CalibrationCertificate:
    return of_ph("f-1").model_copy(update={"points": ((0.0, 0.0), (pulses, 10.0))})


def page(
    certificate: CalibrationCertificate, parameter: Parameter = Parameter.PH, **changed: object
) -> Filed:
    model = "yf-s201" if parameter is Parameter.FLOW else "sen0161-v2"
    whole = {"number": 1, "device": DEVICE, "parameter": parameter, "model": model, "made_ms": 5, **changed}
    return Filed(certificate=certificate, **whole)


@pytest.fixture
def folder(tmp_path: Path) -> CertificateFolder:
    return CertificateFolder(tmp_path / "certificates")


def test_pages_are_numbered_kept_and_read_back_in_their_order(folder: CertificateFolder) -> None:
    assert folder.pages() == ()
    filed = [folder.add(page(of_ph(f"c-{number}"))) for number in range(1, 13)]

    assert [each.number for each in filed] == list(range(1, 13))
    assert folder.pages() == tuple(filed)


def test_a_damaged_page_is_set_aside_its_number_is_not_given_out_again_and_the_one_before_counts(
    folder: CertificateFolder, tmp_path: Path
) -> None:
    folder.add(page(of_ph("good-1")))
    folder.add(page(of_ph("torn-2")))
    torn = tmp_path / "certificates" / "000002-ph.json"
    torn.write_bytes(torn.read_bytes()[:40])

    assert in_force(config(), folder.pages())[Parameter.PH].id == "good-1"
    assert torn.with_name("000002-ph.json.damaged").exists()
    assert folder.add(page(of_ph("new-3"))).number == 3


def test_a_page_holds_a_certificate_or_a_recheck_and_not_both() -> None:
    with pytest.raises(ValidationError, match="either a certificate or a recheck"):
        Filed(number=1, device=DEVICE, parameter=Parameter.PH, model="m", made_ms=0)


def test_the_highest_number_counts_whatever_the_clock_said(folder: CertificateFolder) -> None:
    folder.add(page(of_ph("first-1")))
    folder.add(page(of_ph("second-2", made_on=date(1970, 1, 1))))

    assert in_force(config(), folder.pages())[Parameter.PH].id == "second-2"


@pytest.mark.parametrize(
    ("made_by_hand", "counts"), [(date(2026, 11, 25), "by-hand"), (date(2026, 11, 24), "filed-1")]
)
def test_a_certificate_written_by_hand_on_a_later_day_counts_before_the_folder(
    folder: CertificateFolder, made_by_hand: date, counts: str
) -> None:
    folder.add(page(of_ph("filed-1")))
    by_hand = of_ph("by-hand", made_on=made_by_hand).model_dump(mode="json")

    assert in_force(config(calibration=by_hand), folder.pages())[Parameter.PH].id == counts


def test_what_was_made_for_another_device_or_another_model_does_not_count(folder: CertificateFolder) -> None:
    folder.add(page(of_ph("c-1"), device="kk-0008"))
    folder.add(page(of_ph("c-2"), model="analog-ph"))

    assert in_force(config(), folder.pages()) == {}


def test_what_the_datasheet_does_not_allow_is_passed_over(folder: CertificateFolder) -> None:
    folder.add(page(of_ph("fits-1")))
    folder.add(page(of_ph("unfit-2", neutral=2.6)))  # 3.13 V at pH 4: the probe cannot put that out
    folder.add(page(of_flow(pulses=99_000.0), Parameter.FLOW))

    assert {name: each.id for name, each in in_force(config(), folder.pages()).items()} == {"ph": "fits-1"}


def test_a_meters_certificate_becomes_its_pulses_per_litre(folder: CertificateFolder) -> None:
    folder.add(page(of_flow(4600.0), Parameter.FLOW))

    wiring = calibrated(config(), in_force(config(), folder.pages())).probes[1].input

    assert isinstance(wiring, PulseWiring)
    assert wiring.pulses_per_litre == 460.0


def test_a_recheck_travels_and_changes_no_certificate(folder: CertificateFolder) -> None:
    folder.add(page(of_ph("c-1")))
    recheck = Recheck(
        certificate="c-1",
        made_by="N. Beridze",
        from_day=date(2026, 11, 1),
        to_day=date(2026, 11, 24),
        standard=7.0,
        lot="7-118",
        error_before=0.31,
        error_after=0.02,
    )
    folder.add(Filed(number=1, device=DEVICE, parameter=Parameter.PH, model="m", made_ms=0, recheck=recheck))

    assert in_force(config(), folder.pages())[Parameter.PH].id == "c-1"
    assert recheck.drift == pytest.approx(0.29)


class Running:
    """Probes that run, with their outbox and certifier."""

    def __init__(self, folder: CertificateFolder, tmp_path: Path) -> None:
        self.clock = HandWoundClock()
        self.counted = 0
        hardware = SimulatedHardware(voltages={("adc0", 1): lambda: 1.5}, pulses={17: lambda: self.counted})
        self.probes = build_probes(config(), hardware)
        self.outbox = Outbox(tmp_path / "outbox.db", device=DEVICE, serial="s")
        self.certifier = Certifier(folder, config(), self.probes, self.outbox)

    def read(self, place: int, *, after_s: float = 90.0) -> tuple[Reading, ...]:
        self.clock.run(after_s)
        return self.probes[place].measure(self.clock.read().wall)

    def told(self) -> list[dict[str, object]]:
        bodies = [json.loads(packed.body) for packed in self.outbox.after(0, 100)]
        return [json.loads(body["vs"]) for body in bodies if body["n"] == "certificate"]


@pytest.fixture
def running(folder: CertificateFolder, tmp_path: Path) -> Running:
    return Running(folder, tmp_path)


def test_each_page_is_told_once_also_over_a_restart(
    folder: CertificateFolder, running: Running, tmp_path: Path
) -> None:
    folder.add(page(of_ph("c-1")))
    running.certifier.follow(running.clock.read())
    running.certifier.follow(running.clock.read())
    running.outbox.close()

    again = Running(folder, tmp_path)
    folder.add(page(of_ph("c-2")))
    again.certifier.follow(again.clock.read())

    assert [each["number"] for each in again.told()] == [1, 2]
    assert again.told()[0]["certificate"]["points"] == [[1.5, 7.0], [2.03, 4.0]]
    again.outbox.discard(IntervalSet(((1, 2),)))
    again.certifier.follow(again.clock.read())
    assert again.told() == []


def test_a_running_probe_reads_by_the_new_certificate_at_once(
    folder: CertificateFolder, running: Running
) -> None:
    running.read(0)
    assert running.read(0)[0].value is None

    folder.add(page(of_ph("c-1")))
    assert running.certifier.follow(running.clock.read()) == {"ph": "c-1"}
    assert (running.read(0)[0].value, running.read(0)[0].certificate) == (pytest.approx(7.0), "c-1")

    folder.add(page(of_ph("c-2", neutral=1.41)))
    running.certifier.follow(running.clock.read())
    assert running.read(0)[0].value == pytest.approx(7 - 0.09 * 3 / 0.53)


def test_a_meter_counts_on_by_its_new_factor_and_its_volume_never_goes_back(
    folder: CertificateFolder, running: Running
) -> None:
    running.read(1)
    running.counted = 4500
    assert running.read(1)[1].value == pytest.approx(0.010)

    folder.add(page(of_flow(9000.0), Parameter.FLOW))
    running.certifier.follow(running.clock.read())
    assert running.read(1)[1].value == pytest.approx(0.010)
    running.counted += 9000
    flow, volume = running.read(1)
    assert (flow.certificate, volume.value) == ("f-1", pytest.approx(0.020))


def test_what_is_in_force_is_said_whole(folder: CertificateFolder, running: Running) -> None:
    said: list[bytes] = []
    running.certifier.changed = lambda: said.append(running.certifier.message())
    folder.add(page(of_ph("c-1")))

    running.certifier.follow(running.clock.read())

    assert json.loads(said[-1])["certificates"]["ph"]["id"] == "c-1"
