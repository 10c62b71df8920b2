"""Every text of the pages in every language."""

import re
import warnings
from itertools import chain
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import firmware_config
from firmware_config.catalogues import catalogue, shared_words
from server.web import words
from server.web.reader import load_readers
from waterquality.languages import Language

WEB = Path(words.__file__).parent
SHARED = Path(firmware_config.__file__).parent
PLACES = re.compile(r"%\((\w+)\)s")


def texts_in_use() -> frozenset[str]:
    """What the templates and the code say, by the same means that a translator's tools would use."""
    found = (
        extract_from_dir(
            folder,
            method_map=[("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")],
            options_map={"templates/**.html": {"silent": "false"}},
            keywords={"_": None, "say": None, "msgid": None},
        )
        for folder in (WEB, SHARED)
    )
    return frozenset(message for _, _, message, *_ in chain(*found) if isinstance(message, str))


TEXTS = texts_in_use()


def test_the_texts_are_found_at_all() -> None:
    assert {"Turbidity", "Readings normal", "since %(time)s", "There is no such page"} <= TEXTS
    assert len(TEXTS) > 150


@pytest.mark.parametrize("language", [Language.KA, Language.EN])
def test_nothing_is_left_in_another_language(language: Language) -> None:
    assert TEXTS - load_readers()[language].messages.keys() == set()


@pytest.mark.parametrize("language", [Language.AZ, Language.HY, Language.RU])
def test_what_is_not_translated_yet_is_listed(language: Language) -> None:
    missing = TEXTS - load_readers()[language].messages.keys()
    if missing:
        warnings.warn(f"{language} lacks {sorted(missing)}", stacklevel=1)
    assert len(missing) < len(TEXTS) / 10


@pytest.mark.parametrize("language", list(Language))
def test_a_translation_has_the_same_places_to_fill_in(language: Language) -> None:
    for text, said in load_readers()[language].messages.items():
        assert sorted(PLACES.findall(said)) == sorted(PLACES.findall(text)), text


@pytest.mark.parametrize("language", list(Language))
def test_no_catalogue_keeps_a_text_that_nobody_says(language: Language) -> None:
    assert load_readers()[language].messages.keys() - TEXTS == set()


@pytest.mark.parametrize("language", [Language.KA, Language.AZ, Language.HY, Language.RU])
def test_a_catalogue_that_no_native_speaker_has_read_says_so(language: Language) -> None:
    for folder in (WEB, SHARED):
        written = (folder / "locales" / language / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
        assert "NEEDS REVIEW" in written.split("msgid", 1)[0]


@pytest.mark.parametrize("language", list(Language))
def test_what_the_tap_shares_stands_in_one_catalogue_only(language: Language) -> None:
    assert shared_words(language).keys() & catalogue(WEB / "locales", language).keys() == set()


@pytest.mark.parametrize(
    "table",
    [
        words.STATES,
        words.PHASES,
        words.TRENDS,
        words.PARAMETERS,
        words.UNITS,
        words.FLAGS,
        words.WHYS,
        words.ROLES,
        words.FATES,
        words.KINDS,
        words.REJECTIONS,
    ],
    ids=lambda table: type(next(iter(table))).__name__,
)
def test_every_word_of_a_closed_list_has_a_text(table: dict[object, str]) -> None:
    assert set(table) == set(type(next(iter(table))))
