"""What the commands at the tap have in common: their options, and how a refusal is said."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge.certificates import CertificateFolder, as_calibrated
from edge.clock import Clock, SystemClock
from edge.desired import Configurations
from edge.knocking import NobodyAnswers
from edge.practice import Lesson, PracticeTap, practice_device
from edge.settings import EdgeSettings, load_settings
from edge.tap.sources import Opened, opened, practising
from edge.tap.speaking import chosen, speech_of
from firmware_config.catalogues import Phrase, Speech
from firmware_config.device import DeviceConfig
from waterquality.errors import ConfigError
from waterquality.languages import Language

out, err = Console(), Console(stderr=True)
Settings = Annotated[Path, typer.Option("--settings", help="The agent's settings (TOML).")]
Tongue = Annotated[
    Language | None, typer.Option("--language", help="ka, az, hy, ru or en; else by the settings, else LANG.")
]
Practice = Annotated[
    Lesson | None,
    typer.Option("--practice", help="Simulated probes for a training: nothing is kept, nothing is sent."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


def loaded(path: Path) -> tuple[EdgeSettings, DeviceConfig]:
    """Settings and wiring, or the reasons why not and exit code 78."""
    with refusals():
        settings = load_settings(path)
        kept = Configurations(settings.remote.folder / "config", settings.device_config)
        return settings, kept.in_force()[1]


@contextmanager
def refusals(speech: Speech | None = None) -> Iterator[None]:
    """What a person must mend is said plainly, with exit code 78; an agent that does not answer with 1.

    Args:
        speech: the technician's language, once it is known; what is wrong with a file is told in English.
    """
    try:
        yield
    except ConfigError as error:
        refuse(error, speech)
        raise typer.Exit(ConfigError.EXIT_CODE) from error
    except (NobodyAnswers, OSError) as error:
        refuse(error, speech)
        raise typer.Exit(1) from error


def refuse(reason: str | Exception, speech: Speech | None = None) -> None:
    """Say why not, on standard error.

    Args:
        reason: words, or an error, which may bring a `Phrase`.
        speech: the technician's language.
    """
    phrase = next((each for each in getattr(reason, "args", ()) if isinstance(each, Phrase)), None)
    words = speech.say(phrase) if speech and phrase else str(reason)
    err.print(words, style="red", highlight=False, markup=False, soft_wrap=True)


def speech_for(language: Language | None, settings: EdgeSettings | None) -> Speech:
    """The words of the technician's language."""
    with refusals():
        return speech_of(chosen(language, settings.language if settings else None, os.environ))


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to the tap, real or for practice.

    Attributes:
        speech: the technician's language.
        config: what is wired, with the certificates in force.
        clock: of the device.
        folder: of the certificates; None in practice.
        settings: where things run; None in practice.
    """

    speech: Speech
    config: DeviceConfig
    clock: Clock
    folder: CertificateFolder | None = None
    settings: EdgeSettings | None = None


def visit(path: Path, language: Language | None, practice: Lesson | None) -> Visit:
    """Make ready for a visit; refusals end the program with exit code 78."""
    if practice is not None:
        clock = SystemClock(trusts_always=True)
        return Visit(speech_for(language, None), practice_device(clock), clock)
    settings, config = loaded(path)
    folder = CertificateFolder(settings.certificates)
    with refusals():
        config = as_calibrated(config, folder)
    clock = SystemClock(trusts_always=settings.trusts_clock == "always")
    return Visit(speech_for(language, settings), config, clock, folder, settings)


@contextmanager
def source_of(visit: Visit, practice: Lesson | None) -> Iterator[Opened]:
    """The readings of a visit.

    Raises:
        ConfigError: nobody may ask, or the hardware cannot be opened; mended by the operator.
    """
    if visit.settings is None:
        tap = PracticeTap(practice or Lesson.SOUND, visit.clock)
        with practising(tap, visit.config, visit.clock) as source:
            yield source
    else:
        with opened(visit.settings, visit.config, visit.clock) as source:
            yield source
