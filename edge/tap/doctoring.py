"""`tskaro-edge doctor` on the terminal: the findings as they come, the wait for the proof, the verdict."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from edge.doctor import examination
from edge.doctor.custody import ReceiptWatch, Stage, receipt
from edge.doctor.examination import Patient
from edge.doctor.findings import VERDICTS, Finding, Severity, worst
from edge.knocking import NobodyAnswers, ask
from edge.live import Frame
from edge.outbox import look_into
from edge.tap.screen import Screen
from edge.tap.sources import opened
from edge.tap.watching import first
from firmware_config.catalogues import Phrase, Speech, said
from firmware_config.device import DeviceConfig
from waterquality.errors import ConfigError, RejectedError

_SYMBOLS = {Severity.WELL: "✓", Severity.LOOK: "!", Severity.UNSEEN: "?", Severity.BROKEN: "✗"}
_STYLES = {
    Severity.WELL: "green",
    Severity.LOOK: "yellow",
    Severity.UNSEEN: "cyan",
    Severity.BROKEN: "bold red",
}
_LOOK_EVERY_S = 0.5
_BURST_MINUTES = 2
_LEAST_WAIT_S, _OBSERVATIONS, _ON_THE_WAY_S = 60.0, 2, 30.0

Progress = Callable[[float, Phrase], None]


def default_wait_s(config: DeviceConfig) -> float:
    """How long to wait for a receipt: two observations and the way there and back."""
    return max(_LEAST_WAIT_S, _OBSERVATIONS * config.observe_every_s + _ON_THE_WAY_S)


def examine(patient: Patient, *, wait_s: float | None, progress: Progress) -> Iterator[Finding]:
    """Every finding, as soon as it is made.

    Args:
        patient: what is examined.
        wait_s: how long to wait for a receipt, in seconds; None waits as long as two observations take.
        progress: told how far the wait has come.
    """
    config, findings = examination.wiring(patient)
    yield from findings
    state, agent = examination.agent_state(patient)
    yield from examination.machine(patient, state)
    yield agent
    if config is not None:
        progress(0.0, said("reading the probes"))
        frame, trouble = _frame(patient, config)
        yield from trouble
        yield from examination.wires(patient, config, frame)
    yield from examination.way_out(patient, config.device if config else "kk-0000", state)
    yield examination.kept(patient)
    if config is not None:
        yield prove(patient, default_wait_s(config) if wait_s is None else wait_s, progress)


def _frame(patient: Patient, config: DeviceConfig) -> tuple[Frame | None, list[Finding]]:
    try:
        with opened(patient.settings, config, patient.clock) as source:
            return first(source.live, at_most=source.frames_to_start), []
    except (ConfigError, NobodyAnswers) as error:
        mend = said("Another program may hold the pins: stop it, or run the agent and ask again.")
        return None, [Finding("wires", Severity.UNSEEN, said("%(why)s", why=error), mend)]


def prove(patient: Patient, wait_s: float, progress: Progress) -> Finding:
    """Wait until a receipt has come back for an observation that was seen going out.

    Args:
        patient: whose outbox is watched.
        wait_s: for how long, in seconds.
        progress: told how far the wait has come.
    """
    path, clock = patient.settings.outbox.path, patient.clock
    try:
        watch = ReceiptWatch(*look_into(path))
    except (sqlite3.DatabaseError, KeyError):
        return Finding("receipt", Severity.UNSEEN, said("There is no outbox to watch."))
    with suppress(NobodyAnswers, RejectedError, ConfigError):
        ask(patient.settings.door.path, "burst", minutes=_BURST_MINUTES)
    waited_s, began_ms, never = 0.0, clock.read().boottime_ms, threading.Event()
    while waited_s < wait_s and watch.stage in (Stage.WAITING_FOR_OBSERVATION, Stage.WAITING_FOR_RECEIPT):
        with suppress(sqlite3.DatabaseError, KeyError):
            watch.see(*look_into(path))
        progress(waited_s / wait_s, _told(watch))
        clock.pause(_LOOK_EVERY_S, never)
        waited_s = (clock.read().boottime_ms - began_ms) / 1000
    return receipt(watch, waited_s=wait_s)


def _told(watch: ReceiptWatch) -> Phrase:
    if watch.seq is None:
        return said("waiting for an observation")
    return said("waiting for the receipt of observation %(seq)d", seq=watch.seq)


def show(screen: Screen, finding: Finding) -> None:
    """One finding: a sign, the words, and below them the mend."""
    screen.item(_SYMBOLS[finding.severity], finding.words, finding.mend, style=_STYLES[finding.severity])


def verdict(findings: list[Finding]) -> tuple[Severity, Phrase]:
    """The worst of all, and what it means."""
    severity = worst(findings)
    return severity, Phrase(VERDICTS[severity])


def style_of(severity: Severity) -> str:
    """How a verdict is coloured."""
    return _STYLES[severity]


def as_json(findings: list[Finding], speech: Speech) -> str:
    """All findings and the verdict, for scripts; the words are those of the language."""
    severity, words = verdict(findings)
    return json.dumps(
        {
            "verdict": severity.name.lower(),
            "exit_code": int(severity),
            "words": speech.say(words),
            "findings": [
                {
                    "what": finding.what,
                    "severity": finding.severity.name.lower(),
                    "words": speech.say(finding.words),
                    "mend": speech.say(finding.mend) if finding.mend else "",
                }
                for finding in findings
            ],
        },
        ensure_ascii=False,
        indent=1,
    )
