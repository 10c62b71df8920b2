"""Catalogues as translators write them: read alike by Babel and by us, and refused with the line where damaged."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from firmware_config.catalogues import Phrase, Speech, catalogue, said
from waterquality.errors import ConfigError
from waterquality.languages import Language, language_named

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(ROOT.glob("*/**/locales/*/LC_MESSAGES/messages.po"))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: str(path.relative_to(ROOT)))
def test_babel_reads_every_catalogue_of_ours_as_we_do(path: Path) -> None:
    with path.open("rb") as file:
        theirs = {
            message.id: message.string
            for message in read_po(file, abort_invalid=True)
            if message.id and message.string and not message.fuzzy
        }

    assert theirs
    assert catalogue(path.parents[2], Language(path.parents[1].name)) == theirs


def written(folder: Path, text: str) -> Path:
    (folder / "ka" / "LC_MESSAGES").mkdir(parents=True)
    (folder / "ka" / "LC_MESSAGES" / "messages.po").write_text(text, encoding="utf-8")
    return folder


def test_what_is_fuzzy_or_empty_is_not_said_and_lines_go_on(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        'msgid ""\nmsgstr "Language: ka\\n"\n\n#, fuzzy\nmsgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgstr ""\n\n'
        'msgid ""\n"two "\n"lines"\nmsgstr "ორი \\"ხაზი\\"\\n"\n',
    )

    assert catalogue(folder, Language.KA) == {"two lines": 'ორი "ხაზი"\n'}


@pytest.mark.parametrize("line", ['msgctxt "x"', "msgid 'a'", 'msgid "a', '"nobody knows where"'])
def test_what_is_not_understood_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"messages\.po:2: neither"):
        catalogue(written(tmp_path, f"# top\n{line}\n"), Language.KA)


def test_a_missing_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        catalogue(tmp_path, Language.KA)


def test_a_phrase_within_a_phrase_is_told_in_the_same_language() -> None:
    speech = Speech(Language.RU, {"%(what)s is away": "%(what)s: нет", "the probe": "датчик"})

    assert speech.say(said("%(what)s is away", what=Phrase("the probe"))) == "датчик: нет"
    assert speech.say("100 % of it") == "100 % of it"
    assert Speech(Language.EN).say(said("%(n)d left", n=3)) == "3 left"


def test_a_language_has_a_code() -> None:
    assert language_named("hy") is Language.HY
    assert language_named("tr") is None
