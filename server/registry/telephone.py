"""Telephone numbers as people write them, and as they are kept. The one door to phonenumbers.

A number is kept in E.164. Written without a country code it is a Georgian one. One that no telephone can have, or
that takes no texts, is refused with the reason; one of another country is taken and told, since not every gateway
reaches it. A number is never written whole where others than its holder's keepers may read it.
"""

from dataclasses import dataclass

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    format_number,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
)

_HOME = "GE"
_SHOWN_PREFIX, _SHOWN_DIGITS = 4, 2
_TAKES_TEXTS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


@dataclass(frozen=True, slots=True)
class Telephone:
    """A number that texts can be sent to.

    Attributes:
        number: E.164.
        remark: what whoever enters it should know; "" where there is nothing.
    """

    number: str
    remark: str = ""


def read_telephone(written: str) -> Telephone:
    """Read a number as people write it.

    Raises:
        ValueError: with the reason; mended by whoever entered it.
    """
    try:
        number = parse(written.strip(), _HOME)
    except NumberParseException as error:
        raise ValueError("is no telephone number; write it like +995 555 12 34 56 or 555 12 34 56") from error
    if not is_valid_number(number):
        raise ValueError(f"no telephone has such a number; {_lengths(number)}")
    if number_type(number) not in _TAKES_TEXTS:
        raise ValueError("takes no texts (it is no mobile number); give a mobile one")
    region = region_code_for_number(number)
    remark = (
        "" if region == _HOME else f"a number of another country ({region}): not every gateway reaches it"
    )
    return Telephone(format_number(number, PhoneNumberFormat.E164), remark)


def masked(number: str) -> str:
    """A number with all but its country code and its last digits hidden."""
    hidden = len(number) - _SHOWN_PREFIX - _SHOWN_DIGITS
    if hidden <= 0:
        return "•" * len(number)
    return number[:_SHOWN_PREFIX] + "•" * hidden + number[-_SHOWN_DIGITS:]


def _lengths(number: PhoneNumber) -> str:
    """What is likely to be wrong with it."""
    if number.country_code == 995:  # noqa: PLR2004 - Georgia
        return "a Georgian mobile number has nine digits and begins with 5 or 79, e.g. 555 12 34 56"
    return "one of another country needs its country code, e.g. +374 91 12 34 56"
