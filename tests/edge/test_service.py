"""Service mode and bursts: they begin when asked, survive what they should, and always end by themselves."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.burst import Burst, Bursting
from edge.clock import Instant
from edge.outbox import Outbox
from edge.remote import Remote, RemoteParts
from edge.schedule import Every
from edge.service import ServiceMode
from edge.term import Term
from tests.fakes.hand_wound_clock import START_MS, HandWoundClock
from waterquality.readings import to_ms
from waterquality.wire.commands import RefusedWhy, Reply
from waterquality.wire.records import NoteKind

HOUR_S = 3600.0


def at(wall_s: float = 0, *, since_boot_s: float | None = None, boot: str = "boot-1") -> Instant:
    since_boot_s = wall_s if since_boot_s is None else since_boot_s
    return Instant(START_MS + round(wall_s * 1000), round(since_boot_s * 1000), boot, is_synchronised=True)


class Notes(list[tuple[NoteKind, str]]):
    def __call__(self, _: Instant, kind: NoteKind, detail: str) -> None:
        self.append((kind, detail))


def test_service_mode_begins_ends_by_itself_and_notes_both() -> None:
    notes = Notes()
    service = ServiceMode(None, notes)

    service.begin(at(0), HOUR_S)
    was = [service.is_on(at(seconds)) for seconds in (0, 3599, 3600)]
    service.end_if_over(at(3599))
    service.end_if_over(at(3601))
    service.end_if_over(at(3602))

    assert was == [True, True, False]
    assert notes == [(NoteKind.SERVICE_BEGUN, "for 60 min"), (NoteKind.SERVICE_ENDED, "ran out")]


def test_service_mode_that_is_prolonged_begins_once() -> None:
    notes = Notes()
    service = ServiceMode(None, notes)
    service.begin(at(0), HOUR_S)
    service.begin(at(1800), HOUR_S)

    assert service.is_on(at(5000))
    assert service.end(at(5000))
    assert not service.end(at(5001))
    assert [kind for kind, _ in notes] == [NoteKind.SERVICE_BEGUN, NoteKind.SERVICE_ENDED]


def test_service_mode_survives_a_restart_of_the_agent_and_of_the_machine(tmp_path: Path) -> None:
    ServiceMode(tmp_path / "service.json", Notes()).begin(at(0, since_boot_s=5000), HOUR_S)

    again = ServiceMode(tmp_path / "service.json", Notes())

    assert again.is_on(at(60, since_boot_s=5060))
    assert again.is_on(at(120, since_boot_s=20, boot="boot-2"))
    assert not again.is_on(at(3600, since_boot_s=3500, boot="boot-2"))


def test_service_mode_that_ran_out_while_the_machine_was_off_is_ended_and_noted(tmp_path: Path) -> None:
    ServiceMode(tmp_path / "service.json", Notes()).begin(at(0), HOUR_S)
    notes = Notes()
    again = ServiceMode(tmp_path / "service.json", notes)

    again.end_if_over(at(90_000, since_boot_s=10, boot="boot-2"))

    assert notes == [(NoteKind.SERVICE_ENDED, "ran out")]
    assert not (tmp_path / "service.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"lasting_ms": "long"}', '{"lasting_ms": 1e999}'])
def test_a_spoilt_memory_of_service_mode_hides_no_water(tmp_path: Path, content: str) -> None:
    (tmp_path / "service.json").write_text(content)

    assert not ServiceMode(tmp_path / "service.json", Notes()).is_on(at(0))


@given(
    lasting_s=st.integers(1, 86_400),
    steps=st.lists(st.tuples(st.integers(0, 40_000), st.integers(-(10**9), 10**9)), max_size=20),
)
def test_a_term_never_outlasts_itself_within_a_boot_whatever_the_wall_clock_does(lasting_s, steps) -> None:
    term, passed_s = Term.beginning(at(0), lasting_s), 0
    for seconds, wall_jump_s in steps:
        passed_s += seconds
        now = at(passed_s + wall_jump_s, since_boot_s=passed_s)
        assert term.is_running(now) is (passed_s < lasting_s)


@given(since_boot_s=st.integers(0, 10**6), wall_s=st.integers(-(10**9), 10**9))
def test_after_another_boot_a_term_lasts_at_most_its_length_more(since_boot_s, wall_s) -> None:
    term = Term.beginning(at(0, since_boot_s=77), 3600)

    running = term.is_running(at(wall_s, since_boot_s=since_boot_s, boot="boot-2"))

    assert running is (since_boot_s < 3600 and wall_s < 3600)


def test_a_burst_ticks_faster_until_it_is_over() -> None:
    clock, burst = HandWoundClock(START_MS), Burst()
    schedule = Bursting(Every(60), Every(1), burst, clock)

    def next_ms() -> int:
        return to_ms(schedule.next_after(clock.read().wall)) - clock.wall_ms

    quiet = next_ms()
    burst.begin(clock.read(), 300)
    fast = next_ms()
    clock.run(300)

    assert (quiet, fast, next_ms()) == (60_000, 1000, 60_000)


@pytest.fixture
def outbox(tmp_path: Path):
    box = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    yield box
    box.close()


def asked(remote: Remote, name: str, **arguments: object) -> Reply:
    return remote.commands.do(name, arguments, at(0), asked_by="test")  # type: ignore[arg-type]


def test_the_commands_of_service_mode_write_their_notes_into_the_outbox(
    outbox: Outbox, tmp_path: Path
) -> None:
    remote = Remote(RemoteParts(folder=tmp_path), device="kk-0001", outbox=outbox, clock=HandWoundClock())

    begun = asked(remote, "service", minutes=30)
    ended = asked(remote, "service", minutes=0)

    assert (begun.result, ended.result) == ({"service_left_s": 1800.0}, {"service_left_s": 0.0})
    assert ["service_begun" in each.body for each in outbox.after(0, 9)] == [True, False]
    assert "service_ended" in outbox.after(0, 9)[1].body


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("service", {}),
        ("service", {"minutes": -1}),
        ("service", {"minutes": 1441}),
        ("service", {"minutes": True}),
        ("service", {"minutes": "30"}),
        ("service", {"minutes": 30, "hours": 1}),
        ("burst", {"minutes": 61}),
        ("burst", {"minutes": float("nan")}),
        ("log_tail", {"lines": 0}),
        ("state", {"all": True}),
    ],
)
def test_arguments_that_make_no_sense_are_refused(outbox: Outbox, name: str, arguments: dict) -> None:
    remote = Remote(RemoteParts(), device="kk-0001", outbox=outbox, clock=HandWoundClock())

    assert asked(remote, name, **arguments).refused is RefusedWhy.BAD_ARGUMENTS
    assert not remote.service.is_on(at(0))


def test_what_a_device_does_not_have_is_answered_so(outbox: Outbox) -> None:
    remote = Remote(RemoteParts(), device="kk-0001", outbox=outbox, clock=HandWoundClock())

    assert asked(remote, "identify").refused is RefusedWhy.UNSUPPORTED
    assert asked(remote, "certificates").refused is RefusedWhy.UNSUPPORTED


def test_the_light_blinks_and_the_certificates_are_read_where_there_are_any(outbox: Outbox) -> None:
    blinked: list[float] = []
    parts = RemoteParts(identify=blinked.append, read_certificates=lambda: 2)
    remote = Remote(parts, device="kk-0001", outbox=outbox, clock=HandWoundClock())

    assert asked(remote, "identify", seconds=7).result == {"seconds": 7.0}
    assert asked(remote, "certificates").result == {"in_force": 2}
    assert blinked == [7.0]


def test_what_one_command_trips_over_is_answered_and_ends_nothing(outbox: Outbox) -> None:
    def light(_: float) -> None:
        raise ZeroDivisionError

    remote = Remote(RemoteParts(identify=light), device="kk-0001", outbox=outbox, clock=HandWoundClock())

    assert asked(remote, "identify").refused is RefusedWhy.FAILED
    assert asked(remote, "state").refused is None


def test_a_card_that_takes_nothing_refuses_service_mode_and_says_why(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remote = Remote(
        RemoteParts(folder=tmp_path / "file"), device="kk-0001", outbox=outbox, clock=HandWoundClock()
    )

    reply = asked(remote, "service", minutes=30)

    assert reply.refused is RefusedWhy.FAILED
    assert "file" in reply.detail
    assert not remote.service.is_on(at(0))


def test_the_state_can_be_told_as_json(outbox: Outbox) -> None:
    remote = Remote(
        RemoteParts(),
        device="kk-0001",
        outbox=outbox,
        clock=HandWoundClock(),
        told=lambda: {"device": "kk-0001"},
    )

    told = json.loads(json.dumps(dict(asked(remote, "state").result)))

    assert told["device"] == "kk-0001"
    assert told["in_outbox"] == 0
