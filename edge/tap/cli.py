"""The commands at the tap: `doctor`, `watch`, `status`, `calibrate`. Options in, exit codes out."""

from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from json import dumps
from typing import Annotated

import typer

from edge.clock import SystemClock
from edge.doctor.examination import Patient, agent_state, as_agent_knows
from edge.doctor.findings import Finding
from edge.settings import DEFAULT_PATH, load_settings
from edge.tap.bench import Bench, GaveUp
from edge.tap.calibrating import calibrate as guide
from edge.tap.crosstalk import crosstalk as look_for_crosstalk
from edge.tap.doctoring import as_json as findings_as_json
from edge.tap.doctoring import examine, style_of, verdict
from edge.tap.doctoring import show as show_finding
from edge.tap.options import (
    AsJson,
    Practice,
    Settings,
    Tongue,
    Visit,
    err,
    out,
    refusals,
    refuse,
    source_of,
    speech_for,
    visit,
)
from edge.tap.rechecking import recheck as guide_recheck
from edge.tap.screen import Screen
from edge.tap.sources import Opened, at_work
from edge.tap.standing import as_table, rows, standing
from edge.tap.watching import as_json, drawn, first, stream
from edge.tap.watching import watch as show
from firmware_config.catalogues import Phrase, msgid, said
from firmware_config.datasheet import load
from firmware_config.parts import ProbeConfig
from waterquality.errors import CustodyError
from waterquality.parameters import Parameter


class Calibratable(StrEnum):
    """What can be calibrated at the tap."""

    PH = "ph"
    TURBIDITY = "turbidity"
    FLOW = "flow"


def doctor(
    settings: Settings = DEFAULT_PATH,
    language: Tongue = None,
    json: AsJson = False,
    wait: Annotated[
        float | None, typer.Option("--wait", min=0.0, help="Seconds to wait for a receipt.")
    ] = None,
) -> None:
    """Examine the device and say how to mend it.

    Exit codes: 0 all is well, 1 look soon, 3 not all could be seen, 4 broken, 78 bad settings.
    """
    with refusals():
        read = load_settings(settings)
    patient = Patient(read, SystemClock(trusts_always=read.trusts_clock == "always"))
    screen = Screen(err if json else out, speech_for(language, read))
    with screen.bar() as tell:
        progress = lambda share, words: tell(share, screen.speech.say(words))  # noqa: E731 - one line, one use
        findings = list(_shown(screen, examine(patient, wait_s=wait, progress=progress), quietly=json))
    severity, words = verdict(findings)
    if json:
        typer.echo(findings_as_json(findings, screen.speech))
    else:
        screen.heading(words, style=style_of(severity))
    raise typer.Exit(int(severity))


def _shown(screen: Screen, findings: Iterator[Finding], *, quietly: bool) -> Iterator[Finding]:
    for finding in findings:
        if not quietly:
            show_finding(screen, finding)
        yield finding


def status(settings: Settings = DEFAULT_PATH, language: Tongue = None, json: AsJson = False) -> None:
    """Show outbox, clock, receipts and calibrations."""
    here = visit(settings, language, None)
    assert here.settings is not None
    agent, _ = agent_state(Patient(here.settings, here.clock))
    try:
        stands = standing(here.settings, here.config, as_agent_knows(here.clock.read(), agent), agent)
    except CustodyError as error:
        refuse(error, here.speech)
        raise typer.Exit(1) from error
    if json:
        typer.echo(dumps(as_table(stands), ensure_ascii=False))
        return
    screen = Screen(out, here.speech)
    screen.pairs(rows(stands))


def watch(
    settings: Settings = DEFAULT_PATH,
    language: Tongue = None,
    practice: Practice = None,
    once: Annotated[bool, typer.Option("--once", help="One set of readings, then end.")] = False,
    json: AsJson = False,
) -> None:
    """Show what the probes measure now, until Ctrl-C."""
    here = visit(settings, language, practice)
    with refusals(here.speech), suppress(KeyboardInterrupt), source_of(here, practice) as source:
        title, sheets = (
            _title(here, source),
            {each.parameter: load(each.model) for each in here.config.probes},
        )
        if once:
            frame = first(source.live, at_most=source.frames_to_start)
            shown = drawn(frame, here.clock.read().wall_ms, title, here.speech, sheets=sheets)
            typer.echo(as_json(frame)) if json else out.print(shown)
        elif json:
            stream(source.live, typer.echo)
        else:
            show(out, here.speech, source.live, here.clock, title, sheets=sheets)


def calibrate(
    what: Annotated[Calibratable, typer.Argument(help="Which probe.")],
    settings: Settings = DEFAULT_PATH,
    language: Tongue = None,
    practice: Practice = None,
    recheck: Annotated[
        bool, typer.Option("--recheck", help="Measure one standard before and after cleaning.")
    ] = False,
    crosstalk: Annotated[
        bool, typer.Option("--crosstalk", help="Look whether another probe disturbs the pH.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Your name, for the certificate.")] = "",
    valid_days: Annotated[
        int | None, typer.Option("--valid-days", min=1, max=730, help="For how long it is trusted.")
    ] = None,
) -> None:
    """Calibrate a probe step by step; makes its certificate."""
    if crosstalk and what is not Calibratable.PH:
        raise typer.BadParameter("--crosstalk is of ph")
    here = visit(settings, language, practice)
    probe = _probe(here, Parameter(what))
    with refusals(here.speech), source_of(here, practice) as source, at_work(source):
        if source.door and probe.power:
            refuse(
                here.speech.say(
                    said(
                        "The agent switches this probe's power: stop it first, sudo systemctl stop tskaro-edge"
                    )
                )
            )
            raise typer.Exit(1)
        screen = Screen(out, here.speech)
        screen.say(_title(here, source), style="yellow" if practice else "dim")
        bench = Bench(
            screen=screen,
            source=source,
            clock=here.clock,
            folder=here.folder,
            device=here.config.device,
            probe=probe,
            made_by=by,
            trusted_days=valid_days,
        )
        try:
            if crosstalk:
                look_for_crosstalk(bench, _others(here, probe))
            else:
                guide_recheck(bench) if recheck else guide(bench)
        except GaveUp as error:
            raise typer.Exit(1) from error


def _probe(here: Visit, parameter: Parameter) -> ProbeConfig:
    for probe in here.config.probes:
        if probe.parameter is parameter:
            return probe
    refuse(here.speech.say(said("%(device)s has no probe for it.", device=here.config.device)))
    raise typer.Exit(1)


def _others(here: Visit, probe: ProbeConfig) -> list[Parameter]:
    """What the other probes in the water measure."""
    others = (each.parameter for each in here.config.probes if each is not probe)
    return [parameter for parameter in others if parameter is not Parameter.FLOW]


def _title(here: Visit, source: Opened) -> Phrase:
    if source.practice is not None:
        return said("PRACTICE: simulated probes; nothing is kept, nothing is sent.")
    whose = msgid("the agent's readings") if source.door else msgid("read directly: no agent is running")
    return said("%(device)s, %(whose)s", device=here.config.device, whose=Phrase(whose))
