"""What somebody means who texts back. Pure, and strict: what is not understood as a whole is not understood.

`1` acknowledges, `0` stops the texts, `?` asks how things stand; in any digits, and in words of any of the five
languages, also in Latin letters. A wrong acknowledgement stops an escalation and a wrong stop silences a person, so
a text that holds anything else ("1 hour ago it was clear") is unclear and gets a reply that says how to answer.
"""

import tomllib
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files

from alerts.latin import to_latin

LONGEST = 160  # letters that are looked at; nobody needs more to say one word


class Answer(StrEnum):
    """What an answer asks for."""

    ACKNOWLEDGE = "acknowledge"
    STOP = "stop"
    STATUS = "status"
    UNCLEAR = "unclear"


_BY_SIGN = {"1": Answer.ACKNOWLEDGE, "0": Answer.STOP, "?": Answer.STATUS}
_APOSTROPHES = "'`\u2019\u02bc"  # as in Latin letters for Georgian: k'i
_QUESTION_MARKS = "?\u055e\u061f\uff1f"  # Armenian puts its own, full-width keyboards theirs


def understood(body: str) -> Answer:
    """What a text asks for; UNCLEAR where it asks for two things, for none, or says anything besides.

    Args:
        body: the text as it came; any length, any signs.
    """
    meanings = {_words().get(word) for word in _said(body[: LONGEST + 1])}
    if len(body) > LONGEST or len(meanings) != 1:
        return Answer.UNCLEAR
    return meanings.pop() or Answer.UNCLEAR


def _said(body: str) -> Iterator[str]:
    """The words and signs of a text, folded: digits as ASCII, letters small and plain, no other punctuation."""
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFKC", body).casefold())
    return iter(plain.split())


def _plain(letter: str) -> str:
    if letter in _QUESTION_MARKS:
        return " ? "
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    if letter in _APOSTROPHES:
        return ""
    kind = unicodedata.category(letter)[0]
    if kind == "L":
        return letter
    return "" if kind in "MC" and not letter.isspace() else " "


@cache
def _words() -> dict[str, Answer]:
    """Every word that is understood, as it is folded, with what it means; each in Latin letters as well."""
    listed = tomllib.loads(files("alerts").joinpath("answers", "words.toml").read_text(encoding="utf-8"))
    found = dict(_BY_SIGN)
    for meaning, by_language in listed.items():
        for word in (word for words in by_language.values() for word in words):
            for written in (word, to_latin(word)):
                folded = " ".join(_said(written))
                if found.setdefault(folded, Answer(meaning)) is not Answer(meaning):
                    raise ValueError(f"words.toml: {written!r} means both {found[folded]} and {meaning}")
    return found
