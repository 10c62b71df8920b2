"""The words of advisories in five languages."""

from datetime import timedelta
from importlib.resources import files

import pytest

from alerts.advisories.phrases import phrases, phrases_from, written
from alerts.advisories.record import AdvisoryKind
from tests.alerts.advisories.cases import GIORGI, NINO, NOW
from waterquality.errors import ConfigError
from waterquality.languages import Language

# How each language says that boiling does not help: the only mention of boiling that the other kinds hold.
BOILING = {"ka": "დუღ", "az": "qayna", "hy": "եռաց", "ru": "кипя", "en": "boil"}
SAFE = ("safe", "უსაფრთხო", "təhlükəsiz", "անվտանգ", "безопас", "contaminated")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", list(AdvisoryKind))
def test_every_kind_says_what_it_is_where_and_what_to_do(language: Language, kind: AdvisoryKind) -> None:
    words = phrases(language).kinds[kind]

    assert "Sadakhlo" in words.headline.format(place="Sadakhlo")
    assert len({words.event, words.headline, words.instruction, words.short}) == 4


@pytest.mark.parametrize("language", list(Language))
def test_only_boil_tells_people_to_boil(language: Language) -> None:
    words = phrases(language).kinds
    for kind in (AdvisoryKind.DO_NOT_DRINK, AdvisoryKind.DO_NOT_USE):
        said = f"{words[kind].event} {words[kind].headline} {words[kind].short}".lower()
        assert BOILING[language] not in said
        assert words[kind].instruction.lower().count(BOILING[language]) == 1  # "boiling does not help"
    assert BOILING[language] in words[AdvisoryKind.BOIL].instruction.lower()


@pytest.mark.parametrize("language", list(Language))
def test_no_text_of_an_advisory_says_safe(language: Language) -> None:
    text = (
        files("alerts.advisories").joinpath("words", f"{language}.toml").read_text(encoding="utf-8").lower()
    )

    assert [word for word in SAFE if word in text] == []


@pytest.mark.parametrize("language", list(Language))
def test_who_and_when_stand_in_what_is_said(language: Language) -> None:
    words = phrases(language)

    assert NINO.name in words.issued(NINO, NOW)
    assert NINO.office in words.issued(NINO, NOW)
    assert "20.11.2026, 16:00" in words.issued(NINO, NOW)  # Tbilisi
    assert GIORGI.office in words.confirmed(GIORGI)
    assert "3" in words.lifted(NINO, NOW, count=3, override="").split(written(NOW))[1]
    assert "the source was changed" in words.lifted(NINO, NOW, count=0, override="the source was changed")
    assert words.ran_out(NOW + timedelta(days=1)) != words.until(NOW + timedelta(days=1))


@pytest.mark.parametrize("language", list(Language))
def test_words_that_no_native_speaker_has_read_say_so(language: Language) -> None:
    assert phrases(language).reviewed_by == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('headline = "{place}: boil', 'headline = "boil', "headline"),
        ("{name}, {office}, {when}.", "{name}, {when}.", "issued"),
        ("[kinds.do_not_use]", "[kinds.do_not_swim]", "kinds"),
        ('feed = "Water advisories"', "", "feed"),
        ("[said]", "[said", "line"),
    ],
)
def test_wrong_words_are_refused_and_say_where(old: str, new: str, said: str) -> None:
    text = files("alerts.advisories").joinpath("words", "en.toml").read_text(encoding="utf-8")

    with pytest.raises(ConfigError, match=said):
        phrases_from(text.replace(old, new, 1), "en.toml")
