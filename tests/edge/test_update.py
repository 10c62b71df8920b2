"""An update from the offer to the end: kept or gone back from, never half done, wherever the power fails."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge import launch, update
from edge.launch import current_version, is_complete, prepare, read_table, roll_back, switch
from edge.outbox import Outbox
from edge.proof import Proof
from edge.update import UpdateParts, Updates
from tests.fakes.hand_wound_clock import HandWoundClock
from tests.fakes.patience import eventually
from waterquality.intervals import IntervalSet
from waterquality.wire.updates import (
    Manifest,
    Offer,
    Progress,
    UpdateState,
    encode_manifest,
    encode_offer,
    signed_bytes,
)

KEY = Ed25519PrivateKey.generate()
OLD, NEW = "0.1.0", "0.2.0"
LAUNCH = Path(launch.__file__)
Step = Callable[[str], None]


def add_version(root: Path, version: str, script: str = "exec sleep 1000") -> None:
    """A version that says when it starts, and then does what its script says."""
    program = root / "versions" / version / "bin" / "tskaro-edge"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho {version} "$@" >> {root}/started\n{script}\n')
    program.chmod(0o755)
    (root / "versions" / version / "COMPLETE").write_text("")


class Device:
    """A device with its versions, an offer of the new one, and the artefact fetched already."""

    def __init__(self, root: Path, *, issued_ms: int = 1_000) -> None:
        self.root = root
        root.mkdir(parents=True)
        add_version(root, OLD)
        switch(root, OLD)
        bundle = root / "bundle"
        with zipfile.ZipFile(bundle, "w") as packed:
            for name in (f"tskaro-{NEW}", "pip-23.2.1"):
                packed.writestr(f"{name}-py3-none-any.whl", b"wheel")
        content = bundle.read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        (root / "update").mkdir()
        bundle.rename(root / "update" / f"{self.sha256}.bundle")
        self.size = len(content)
        self.told: list[Progress] = []
        self.key = root.with_name("update.pub")
        pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.key.write_bytes(pem)
        self.begun = 0

    def offer(self, *, issued_ms: int = 1_000, version: str = NEW, key: Ed25519PrivateKey = KEY) -> bytes:
        manifest = Manifest(
            package="tskaro",
            version=version,
            sha256=self.sha256,
            size=self.size,
            min_version="0.1.0",
            issued_ms=issued_ms,
        )
        written = encode_manifest(manifest)
        return encode_offer(Offer("https://127.0.0.1:1/x", written, key.sign(signed_bytes(written))))

    def updates(self, *, running: str = "", step: Step = launch.go_on, proven: bool = False) -> Updates:
        def begun() -> None:
            self.begun += 1

        parts = UpdateParts(
            root=self.root,
            key=self.key,
            running=running or current_version(self.root),
            install=lambda _, folder: add_version_of(folder),
            begin_anew=begun,
            step=step,
        )
        return Updates(parts, self.told.append, is_proven=lambda: proven)

    def follow(self, step: Step = launch.go_on) -> None:
        """What the old version does of it."""
        updates = self.updates(step=step)
        updates.take(self.offer())
        updates.turn(threading.Event())

    def outcome(self) -> tuple[str, UpdateState]:
        progress = self.updates().progress()
        return current_version(self.root), progress.state


def add_version_of(folder: Path) -> None:
    """What pip would do; the mark is not its business."""
    program = folder / "bin" / "tskaro-edge"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "opt")


def test_a_version_that_proves_itself_stays(device: Device) -> None:
    device.follow()
    assert (device.begun, current_version(device.root)) == (1, OLD)
    assert device.told[-1].state is UpdateState.UNDER_WAY

    prepare(device.root)
    device.updates(proven=True).turn(threading.Event())

    assert device.outcome() == (NEW, UpdateState.INSTALLED)
    assert device.told[-1] == Progress(device.sha256, NEW, UpdateState.INSTALLED, NEW)
    assert prepare(device.root) is None


def test_a_version_that_the_card_brought_without_a_mark_can_be_gone_back_to(device: Device) -> None:
    (device.root / "versions" / OLD / launch.COMPLETE).unlink()
    device.follow()
    prepare(device.root)
    roll_back(device.root, read_table(device.root / launch.TRIAL), "it failed")

    assert device.outcome() == (OLD, UpdateState.ROLLED_BACK)


def test_a_version_that_has_not_proven_itself_is_not_confirmed_nor_by_the_one_before(device: Device) -> None:
    device.follow()
    device.updates(proven=True).turn(threading.Event())  # the old version, about to end
    assert (device.root / launch.TRIAL).exists()

    prepare(device.root)
    device.updates(proven=False).turn(threading.Event())
    assert (device.root / launch.TRIAL).exists()


def test_the_offer_that_is_on_trial_may_come_again(device: Device) -> None:
    device.follow()
    prepare(device.root)
    device.updates().take(device.offer())

    assert device.told[-1] == Progress(device.sha256, NEW, UpdateState.UNDER_WAY, NEW, "on trial")


def test_a_version_that_does_not_stay_up_is_gone_back_from_and_not_tried_again(device: Device) -> None:
    device.follow()
    starts = [prepare(device.root) is not None for _ in range(5)]

    assert starts == [True, True, True, False, False]
    assert device.outcome() == (OLD, UpdateState.ROLLED_BACK)
    device.follow()
    assert device.begun == 1
    progress = device.updates().progress()
    assert (progress.state, progress.reason) == (
        UpdateState.ROLLED_BACK,
        "it did not stay up in 3 starts",
    )


def test_what_was_gone_back_from_is_tried_again_when_it_is_signed_anew(device: Device) -> None:
    device.follow()
    roll_back(device.root, read_table(device.root / launch.TRIAL), "it failed")
    updates = device.updates()

    updates.take(device.offer(issued_ms=2_000))
    updates.turn(threading.Event())
    assert device.begun == 2
    updates.take(device.offer(issued_ms=1_500))
    assert "on trial here" in updates.progress().reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (lambda at: at.offer(key=Ed25519PrivateKey.generate()), "not by the key of this device's card"),
        (lambda at: at.offer(version="0.0.9"), "it is not signed as a way back"),
    ],
)
def test_what_cannot_be_trusted_is_refused_told_and_leaves_nothing_behind(
    device: Device, payload: Callable[[Device], bytes], reason: str
) -> None:
    before = sorted(device.root.rglob("*"))
    updates = device.updates()
    updates.take(payload(device))
    updates.turn(threading.Event())

    told = device.told[-1]
    assert (told.sha256, told.state, told.running) == (device.sha256, UpdateState.REFUSED, OLD)
    assert reason in told.reason
    assert (sorted(device.root.rglob("*")), device.begun) == (before, 0)


def test_a_key_that_cannot_be_used_refuses_in_words(device: Device) -> None:
    device.key.write_text("spoilt")
    device.updates().take(device.offer())

    assert "the key of this device's card cannot be used" in device.told[-1].reason


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b"x" * 100_000])
def test_what_is_no_offer_changes_nothing(device: Device, payload: bytes) -> None:
    device.updates().take(payload)

    assert device.told == []


def test_the_version_that_runs_already_is_answered_as_installed(device: Device) -> None:
    device.updates().take(device.offer(version=OLD))

    assert device.told[-1] == Progress(device.sha256, OLD, UpdateState.INSTALLED, OLD, "it ran here already")


def test_an_offer_is_followed_after_a_restart_though_the_broker_has_forgotten_it(device: Device) -> None:
    device.updates().take(device.offer())
    device.updates().turn(threading.Event())

    assert device.begun == 1


def test_a_line_that_is_cut_is_told_and_tried_again(device: Device) -> None:
    (device.root / "update" / f"{device.sha256}.bundle").unlink()
    stop, updates = threading.Event(), device.updates()
    updates.take(device.offer())
    thread = threading.Thread(target=updates.run, args=(stop,), daemon=True)
    thread.start()
    eventually(lambda: device.told[-1].reason.startswith("interrupted:"))
    stop.set()
    updates.nudge()
    thread.join(5)

    assert not thread.is_alive()
    assert device.told[-1].state is UpdateState.UNDER_WAY


def test_a_card_without_room_refuses(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_ROOM_FOR_EACH_BYTE", 10**12)
    device.follow()

    assert device.told[-1].state is UpdateState.REFUSED
    assert "the card has room for" in device.told[-1].reason
    assert device.begun == 0


def test_old_versions_and_downloads_are_tidied_away_but_for_the_one_before(device: Device) -> None:
    add_version(device.root, "0.0.8")
    device.follow()
    prepare(device.root)
    device.updates(proven=True).turn(threading.Event())

    assert sorted(path.name for path in (device.root / "versions").iterdir()) == [OLD, NEW]
    assert list((device.root / "update").glob("*.bundle")) == []


# ---- power cuts -------------------------------------------------------------------------------------------------


def dying_at(number: int) -> Step:
    left = [number]

    def die(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)

    return die


def whole_update(device: Device, step: Step, *, is_good: bool) -> None:
    """All that happens from the offer to the end, in one go."""
    device.follow(step)
    trial = prepare(device.root, step)
    if trial is not None and is_good:
        device.updates(step=step, proven=True).turn(threading.Event())
    elif trial is not None:
        roll_back(device.root, trial, "it failed", step)


def settle(device: Device, *, is_good: bool) -> int:
    """Switch the device on again and again until nothing is left to do; how often that was."""
    for starts in range(1, 12):
        trial = prepare(device.root)
        runs = current_version(device.root)
        assert is_complete(device.root, runs), f"it would start {runs!r}, which is not whole"
        if trial is None and device.updates().progress().state is not UpdateState.UNDER_WAY:
            told_before = device.updates().progress().sha256 == device.sha256
            if told_before:
                return starts
        if trial is None:
            device.follow()
        elif is_good:
            device.updates(proven=True).turn(threading.Event())
    pytest.fail("it never settled")


@pytest.mark.parametrize("is_good", [True, False], ids=["kept", "gone back from"])
def test_a_power_cut_at_any_step_ends_with_one_whole_version(tmp_path: Path, is_good: bool) -> None:
    steps: list[str] = []
    whole_update(Device(tmp_path / "all"), steps.append, is_good=is_good)
    assert {"unpacked", "installed", "marked", "trial.json in place", "switched"} <= set(steps)
    assert len(steps) > 15

    for number, name in enumerate(steps):
        device = Device(tmp_path / f"cut-{number}")
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                whole_update(device, dying_at(number), is_good=is_good)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9, name

        settle(device, is_good=is_good)

        expected = (NEW, UpdateState.INSTALLED) if is_good else (OLD, UpdateState.ROLLED_BACK)
        assert device.outcome() == expected, f"cut after {name}"
        assert not (device.root / launch.TRIAL).exists()


# ---- the launcher, as a process -------------------------------------------------------------------------------


class Launched:
    """The launcher of a device, running as systemd would run it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(LAUNCH), str(device.root), "run", "--settings", "x"],
            stdin=subprocess.DEVNULL,
        )

    def started(self) -> list[str]:
        with suppress(FileNotFoundError):
            return (self.device.root / "started").read_text().splitlines()
        return []

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def launched(device: Device) -> Iterator[Callable[..., Launched]]:
    running: list[Launched] = []

    def launch_with(script: str = "", *, patience_s: float = 60.0) -> Launched:
        if script:
            add_version(device.root, NEW, script)
            trial = {
                "version": NEW,
                "sha256": device.sha256,
                "issued_ms": 1_000,
                "before": OLD,
                "patience_s": patience_s,
                "starts": 0,
            }
            (device.root / launch.TRIAL).write_text(json.dumps(trial))
        running.append(Launched(device))
        return running[-1]

    yield launch_with
    for each in running:
        each.close()


def test_what_is_installed_takes_the_place_of_the_launcher(launched: Callable[..., Launched]) -> None:
    running = launched()
    eventually(lambda: running.started() == [f"{OLD} run --settings x"])

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == -signal.SIGTERM


def test_a_version_that_crashes_is_started_three_times_and_gone_back_from(
    device: Device, launched: Callable[..., Launched]
) -> None:
    running = launched("exit 3")
    eventually(lambda: len(running.started()) == 4)

    assert [line.split()[0] for line in running.started()] == [NEW, NEW, NEW, OLD]
    assert device.outcome() == (OLD, UpdateState.ROLLED_BACK)
    assert running.process.poll() is None


def test_a_version_that_refuses_the_settings_is_gone_back_from_at_once(
    device: Device, launched: Callable[..., Launched]
) -> None:
    running = launched("exit 78")
    eventually(lambda: len(running.started()) == 2)

    assert device.updates().progress().reason == "it refuses the settings of this device"


def test_a_version_that_gets_no_receipt_in_time_is_gone_back_from(
    device: Device, launched: Callable[..., Launched]
) -> None:
    running = launched("exec sleep 1000", patience_s=0.6)
    eventually(lambda: len(running.started()) == 2)

    assert device.outcome() == (OLD, UpdateState.ROLLED_BACK)
    assert device.updates().progress().reason == "no receipt within 0.01 min"


def test_a_version_that_is_confirmed_runs_on_past_its_time(
    device: Device, launched: Callable[..., Launched]
) -> None:
    running = launched(f"rm {device.root}/trial.json\nexec sleep 1000", patience_s=0.5)
    eventually(lambda: not (device.root / "trial.json").exists())
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1.5)

    assert running.started() == [f"{NEW} run --settings x"]
    assert current_version(device.root) == NEW
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 128 + signal.SIGTERM


def test_a_version_that_was_confirmed_may_begin_the_next_trial_long_after_its_own(
    device: Device, launched: Callable[..., Launched]
) -> None:
    add_version(device.root, "0.3.0")
    next_one = json.dumps(
        {"version": "0.3.0", "sha256": "f" * 64, "issued_ms": 2, "before": NEW, "starts": 0}
    )
    running = launched(
        f"rm {device.root}/trial.json\nsleep 0.5\necho '{next_one}' > {device.root}/trial.json\nsleep 1\nexit 75",
        patience_s=0.8,
    )

    assert running.process.wait(20) == 75
    assert current_version(device.root) == NEW
    assert read_table(device.root / launch.TRIAL)["version"] == "0.3.0"
    assert not (device.root / launch.OUTCOME).exists()


def test_a_stop_by_hand_says_nothing_against_a_version_on_trial(
    device: Device, launched: Callable[..., Launched]
) -> None:
    running = launched("exec sleep 1000")
    eventually(running.started)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(10)

    assert read_table(device.root / launch.TRIAL)["starts"] == 0
    assert current_version(device.root) == NEW


def test_a_trial_of_a_version_that_is_not_whole_is_ended_at_once(
    device: Device, launched: Callable[..., Launched]
) -> None:
    add_version(device.root, NEW)
    (device.root / "versions" / NEW / "COMPLETE").unlink()
    (device.root / launch.TRIAL).write_text(json.dumps({"version": NEW, "before": OLD}))
    running = launched()
    eventually(lambda: running.started() == [f"{OLD} run --settings x"])


def test_a_link_that_leads_nowhere_is_mended(device: Device, launched: Callable[..., Launched]) -> None:
    (device.root / "current").unlink()
    running = launched()
    eventually(lambda: running.started() == [f"{OLD} run --settings x"])


@pytest.mark.parametrize("damage", ["", "{", "[]", "\0" * 100])
def test_a_spoilt_trial_is_no_trial(device: Device, damage: str) -> None:
    (device.root / launch.TRIAL).write_text(damage)

    assert prepare(device.root) is None
    assert current_version(device.root) == OLD


# ---- proof ------------------------------------------------------------------------------------------------------


def test_proof_is_a_receipt_for_an_observation_of_this_start_and_nothing_less(tmp_path: Path) -> None:
    outbox, clock = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1"), HandWoundClock()
    has_observed = [False]
    outbox.append(clock.read(), [])
    proof = Proof(outbox, lambda: has_observed[0])

    outbox.discard_through(outbox.head)
    before_any = proof.is_given()
    outbox.append(clock.read(), [])
    has_observed[0] = True
    asked = [proof.is_given(), proof.is_given()]
    outbox.discard(IntervalSet(((outbox.head, outbox.head),)))

    assert (before_any, asked, proof.is_given()) == (False, [False, False], True)
    outbox.close()
