"""What a program says, in the reader's language: gettext `.po` files, read as they are.

Code and tests mark a text with `msgid` or `said`, so that the tools of any translator find it; what is said
is a `Phrase`, an English text and the values of its places, so that what decides stays apart from the
language it is told in. A text without a translation is told in English; a fuzzy one counts as none. Only what
our catalogues use of the format is understood; anything else is refused with file and line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from waterquality.errors import ConfigError
from waterquality.languages import Language

_LINE = re.compile(r'(?:(?P<keyword>msgid|msgstr)\s+)?"(?P<text>(?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_LETTERS = MappingProxyType({"n": "\n", "t": "\t", '"': '"', "\\": "\\"})


def msgid(text: str) -> str:
    """Mark a text for translation; it is returned as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to say, in no language yet.

    Attributes:
        text: in English, with `%(name)s` places.
        values: what stands in the places; a phrase among them is told in the same language.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """In English, for a log."""
        return self.text % self.values if self.values else self.text


def said(text: str, **values: object) -> Phrase:
    """A phrase whose text is marked for translation."""
    return Phrase(text, values)


@dataclass(frozen=True, slots=True)
class Speech:
    """How one language says things.

    Attributes:
        language: which.
        messages: translations by their English text.
    """

    language: Language
    messages: Mapping[str, str] = field(default_factory=dict)

    def say(self, what: str | Phrase, **values: object) -> str:
        """A text or phrase in this language, its places filled in."""
        text, places = (what.text, what.values) if isinstance(what, Phrase) else (what, values)
        words = self.messages.get(text) or text
        return words % {name: self._filled(value) for name, value in places.items()} if places else words

    def _filled(self, value: object) -> object:
        return self.say(value) if isinstance(value, Phrase) else value


def catalogue(folder: Path, language: Language) -> Mapping[str, str]:
    """The translations of `folder/<language>/LC_MESSAGES/messages.po`, by their English text.

    Raises:
        ConfigError: the file is missing, or holds what is not understood; mended by whoever edited it.
    """
    path = folder / language / "LC_MESSAGES" / "messages.po"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return {text: words for text, words in _entries(lines, path) if text and words}


def shared_words(language: Language) -> Mapping[str, str]:
    """The translations of `firmware_config.words`, which edge and server both say."""
    return catalogue(Path(__file__).with_name("locales"), language)


def _entries(lines: list[str], path: Path) -> Iterator[tuple[str, str]]:
    """Every pair of text and translation; those marked fuzzy with an empty translation."""
    entry, keyword, is_fuzzy = {"msgid": "", "msgstr": ""}, "", False
    for number, line in enumerate([*lines, ""], start=1):
        if not line.strip():
            yield entry["msgid"], "" if is_fuzzy else entry["msgstr"]
            entry, keyword, is_fuzzy = {"msgid": "", "msgstr": ""}, "", False
        elif line.startswith("#"):
            is_fuzzy = is_fuzzy or (line.startswith("#,") and "fuzzy" in line)
        else:
            keyword, text = _quoted(line, keyword, f"{path}:{number}")
            entry[keyword] += text


def _quoted(line: str, keyword: str, place: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line.strip())
    keyword = (found["keyword"] or keyword) if found else ""
    if found is None or not keyword:
        raise ConfigError(f"{place}: neither msgid nor msgstr nor a quoted text")
    return keyword, _ESCAPE.sub(lambda escape: _LETTERS.get(escape[1], escape[0]), found["text"])
