"""The tap speaks five languages: nothing is missing, nothing is left over, every place is filled."""

import re
from itertools import chain
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import edge
from edge.hardware.gpio import GpioHardware
from edge.knocking import ask
from edge.tap.carrying import visit
from edge.tap.options import out, refuse
from edge.tap.screen import Screen
from edge.tap.speaking import chosen, speech_of
from firmware_config.catalogues import catalogue, shared_words
from waterquality.errors import MonitoringError
from waterquality.languages import Language

EDGE = Path(edge.__file__).parent
PLACES = re.compile(r"%\((\w+)\)([^a-z%]*[a-z])")
MARKS = ("say", "said", "msgid", "heading", "ask_word", "ask_number", "agrees", "await_enter")


def texts_in_use() -> frozenset[str]:
    """What the code says, by the means that a translator's tools would use."""
    found = extract_from_dir(EDGE, method_map=[("**.py", "python")], keywords=dict.fromkeys(MARKS))
    return frozenset(message for _, _, message, *_ in found if isinstance(message, str))


TEXTS = texts_in_use() - shared_words(Language.EN).keys()
OWN = {language: catalogue(EDGE / "locales", language) for language in Language}


def test_the_texts_are_found_at_all() -> None:
    assert {"Your name", "The supply voltage is too low.", "nothing amiss", "Keep this certificate?"} <= TEXTS
    assert len(TEXTS) > 120


@pytest.mark.parametrize("language", list(Language))
def test_nothing_is_left_in_another_language(language: Language) -> None:
    assert TEXTS - OWN[language].keys() == set()


@pytest.mark.parametrize("language", list(Language))
def test_no_catalogue_keeps_a_text_that_nobody_says(language: Language) -> None:
    assert OWN[language].keys() - TEXTS == set()


@pytest.mark.parametrize("language", list(Language))
def test_a_translation_has_the_same_places_with_the_same_form(language: Language) -> None:
    for text, words in OWN[language].items():
        assert sorted(PLACES.findall(words)) == sorted(PLACES.findall(text)), text
        assert words.count("%%") == text.count("%%"), text


@pytest.mark.parametrize("language", [Language.KA, Language.AZ, Language.HY, Language.RU])
def test_a_translation_is_no_english(language: Language) -> None:
    same = {
        text
        for text, words in OWN[language].items()
        if words == text and re.search("[a-z]{4}", PLACES.sub("", text))
    }

    assert {
        text for text in same if not text.startswith(("tskaro", "sudo", "%(")) and text != "agent"
    } == set()


@pytest.mark.parametrize("language", [Language.KA, Language.AZ, Language.HY, Language.RU])
def test_a_catalogue_that_no_native_speaker_has_read_says_so(language: Language) -> None:
    written = (EDGE / "locales" / language / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    assert "NEEDS REVIEW" in written.split("msgid", 1)[0]


def test_a_tap_never_says_that_water_is_safe() -> None:
    assert [
        text for text in chain(TEXTS) if re.search(r"\b(safe|contaminated|boil)\b", text, re.IGNORECASE)
    ] == []


@pytest.mark.parametrize(
    ("asked", "configured", "environment", "spoken"),
    [
        (Language.HY, Language.KA, {"LANG": "ru_RU.UTF-8"}, Language.HY),
        (None, Language.KA, {"LANG": "ru_RU.UTF-8"}, Language.KA),
        (None, "system", {"LANG": "ru_RU.UTF-8"}, Language.RU),
        (None, "system", {"LC_ALL": "az_AZ", "LANG": "ru_RU.UTF-8"}, Language.AZ),
        (None, "system", {"LANG": "C.UTF-8"}, Language.EN),
        (None, None, {}, Language.EN),
    ],
)
def test_the_language_is_asked_then_configured_then_the_systems(
    asked, configured, environment, spoken
) -> None:
    assert chosen(asked, configured, environment) is spoken
    assert speech_of(spoken).language is spoken


@pytest.mark.parametrize("language", list(Language))
def test_what_keeps_a_technician_from_going_on_is_told_in_their_language(
    language: Language, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speech, troubles = speech_of(language), []
    screen = Screen(out, speech)
    for knock in (
        lambda: ask(tmp_path / "no.sock", "state"),
        lambda: visit(tmp_path / "o.db", tmp_path / "stick", device="kk-0007", serial="1", screen=screen),
        lambda: visit(tmp_path / "o.db", tmp_path, device="kk-0007", serial="1", screen=screen),
        lambda: GpioHardware({}).voltage(converter="adc0", channel=3),
    ):
        with pytest.raises(MonitoringError) as raised:
            knock()
        refuse(raised.value, speech)
        troubles.append(str(raised.value))
    told = capsys.readouterr().err

    for words in ("no agent answers", "is the stick mounted", "no outbox to carry", "cannot be opened"):
        assert (words in told) == (language is Language.EN)
        assert any(words in trouble for trouble in troubles), "a log says it in English"
