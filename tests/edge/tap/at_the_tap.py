"""A technician of the tests: answers questions as scripted, and reads what is shown."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from edge.certificates import CertificateFolder
from edge.practice import Lesson, PracticeTap, practice_device
from edge.tap.bench import Bench
from edge.tap.screen import Screen
from edge.tap.sources import practising
from edge.tap.speaking import speech_of
from tests.fakes.hand_wound_clock import HandWoundClock
from waterquality.languages import Language
from waterquality.parameters import Parameter


class ScriptedConsole(Console):
    """Writes into memory, 80 columns wide; answers come from a list, and there must be one for every question."""

    def __init__(self, *answers: str) -> None:
        super().__init__(file=io.StringIO(), width=80)
        self._answers = list(answers)

    def input(self, prompt: object = "", **_: object) -> str:
        self.print(prompt, end="")
        assert self._answers, f"nobody has an answer to this:\n{self.read()}"
        answer = self._answers.pop(0)
        self.print(answer)
        return answer

    def read(self) -> str:
        return self.file.getvalue()

    def words(self) -> str:
        """What was shown, without its line breaks."""
        return " ".join(self.read().split())

    @property
    def left(self) -> list[str]:
        return self._answers


@contextmanager
def bench(
    console: Console,
    parameter: Parameter,
    folder: Path,
    *,
    lesson: Lesson = Lesson.SOUND,
    language: Language = Language.EN,
    is_synchronised: bool = True,
) -> Iterator[Bench]:
    """A bench with simulated probes that settle as fast as a hand winds the clock; certificates are kept."""
    clock = HandWoundClock(is_synchronised=is_synchronised)
    tap, config = PracticeTap(lesson, clock), practice_device(clock)
    with practising(tap, config, clock) as source:
        yield Bench(
            screen=Screen(console, speech_of(language)),
            source=source,
            clock=clock,
            folder=CertificateFolder(folder),
            device="kk-0007",
            probe=next(probe for probe in config.probes if probe.parameter is parameter),
        )
