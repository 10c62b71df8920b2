"""What a technician is told who carries an outbox: the receipt first, then the load, in their own language."""

from pathlib import Path

import pytest

from edge.clock import Instant
from edge.outbox import Outbox
from edge.tap.carrying import NoOutbox, visit
from edge.tap.screen import Screen
from edge.tap.speaking import speech_of
from tests.edge.tap.at_the_tap import ScriptedConsole
from waterquality.intervals import IntervalSet
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.carried import Owner, receipt_file
from waterquality.wire.messages import Receipt

START_MS = 1_763_900_040_000
DEVICE = "kk-0001"


class Tap:
    """A device with three dated records and one whose time is not known yet, and a stick."""

    def __init__(self, folder: Path) -> None:
        self.outbox, self.stick = folder / "o.db", folder / "usb"
        self.stick.mkdir()
        box = Outbox(self.outbox, device=DEVICE, serial="pi-1")
        self.owner = Owner(DEVICE, box.epoch)
        for n in range(3):
            box.append(
                Instant(START_MS + 60_000 * n, 60_000 * n, "boot-1", True), [Reading(Parameter.PH, 7.4)]
            )
        box.append(Instant(0, 0, "boot-2", False), [Reading(Parameter.PH, 7.4)])
        box.close()

    def visited(self, language: Language) -> str:
        console = ScriptedConsole()
        visit(
            self.outbox, self.stick, device=DEVICE, serial="pi-1", screen=Screen(console, speech_of(language))
        )
        return console.words()

    def bring(self, receipt: bytes) -> None:
        (self.stick / "tskaro" / self.owner.receipt_name).write_bytes(receipt)


@pytest.fixture
def tap(tmp_path: Path) -> Tap:
    return Tap(tmp_path)


def test_a_visit_is_told_from_the_receipt_to_the_load(tap: Tap) -> None:
    first = tap.visited(Language.EN)
    assert "no receipt for this device on the stick" in first
    assert "1 records wait for their time" in first
    assert "3 records carried in" in first
    tap.bring(receipt_file(tap.owner, Receipt(tap.owner.epoch, 3, IntervalSet(), START_MS)))

    second = tap.visited(Language.EN)
    assert "receipt obeyed: 3 records are kept by the server" in second
    assert "nothing to carry" in second


@pytest.mark.parametrize("language", [each for each in Language if each is not Language.EN])
def test_it_is_told_in_every_language(tap: Tap, language: Language) -> None:
    words = tap.visited(language)
    tap.bring(b"no receipt at all")
    words += tap.visited(language)
    tap.bring(receipt_file(tap.owner, Receipt(tap.owner.epoch, 3, IntervalSet(), START_MS)))
    words += tap.visited(language)

    assert "%(" not in words
    for english in ("receipt", "records", "carried", "nothing", "damaged", "stay"):
        assert english not in words.replace("tskaro intake", "").replace(".receipt", "")


def test_without_an_outbox_it_is_said(tap: Tap) -> None:
    tap.outbox.unlink()

    with pytest.raises(NoOutbox, match="has the agent been started"):
        tap.visited(Language.EN)
