"""The languages that people on either side of the tap read."""

from enum import StrEnum


class Language(StrEnum):
    """The languages we write in."""

    KA = "ka"
    AZ = "az"
    HY = "hy"
    RU = "ru"
    EN = "en"


def language_named(text: str) -> Language | None:
    """The language of a code like `ka`; None where it is none of ours."""
    return next((language for language in Language if language == text), None)
