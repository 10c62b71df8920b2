"""One reader's language: its words, numbers, dates and ages.

Catalogues are gettext `.po` files, read as they are when the page is put together (`firmware_config.catalogues`);
the words for flags and parameters come from the catalogue that the tap shares. A text without a translation is
shown in English rather than not at all; a test lists what is missing. Times are shown in the
time of Tbilisi, for that is where the water is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta, get_month_names
from babel.numbers import format_decimal

from firmware_config.catalogues import catalogue, shared_words
from waterquality.languages import Language, language_named
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import from_ms

_LOCALES = Path(__file__).resolve().parent / "locales"
_TBILISI = ZoneInfo("Asia/Tbilisi")
_PLURAL_PERIOD = 100  # the plural rules of our languages look at the last two digits only
_NEVER_LARGER = 1e6  # a threshold that no count reaches: the unit asked for is the unit used
_Unit = Literal["second", "minute", "hour", "day", "week", "month", "year"]
_AGE_UNITS: MappingProxyType[_Unit, int] = MappingProxyType(
    {
        "second": 1,
        "minute": 60,
        "hour": 3600,
        "day": 86_400,
        "week": 604_800,
        "month": 2_592_000,
        "year": 31_536_000,
    }
)
_SPAN_UNITS: tuple[_Unit, ...] = ("day", "hour", "minute")

_LOCALE = MappingProxyType({language: Locale.parse(language) for language in Language})

# What each language calls itself; never translated.
ENDONYMS: MappingProxyType[Language, str] = MappingProxyType(
    {
        Language.KA: "ქართული",
        Language.AZ: "Azərbaycanca",
        Language.HY: "Հայերեն",
        Language.RU: "Русский",
        Language.EN: "English",
    }
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Words, numbers and times as one language writes them.

    Attributes:
        language: the language.
        messages: translations by their English text.
    """

    language: Language
    messages: Mapping[str, str]

    def say(self, text: str, **values: object) -> str:
        """An English text in this language, with its `%(name)s` places filled in."""
        said = self.messages.get(text) or text
        return said % values if values else said

    def name_of(self, names: Mapping[str, str]) -> str:
        """The name in this language; in English, then Georgian, then any other where it is missing."""
        for language in (self.language, Language.EN, Language.KA, *names):
            if names.get(language):
                return names[language]
        return ""

    def number(self, value: float, decimals: int) -> str:
        """A number with so many decimals, as this language writes it."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return format_decimal(value, format=pattern, locale=self._locale)

    def value(self, parameter: Parameter, value: float) -> str:
        """A value of a parameter, without its unit, with the decimals a person is shown.

        What cannot be below nothing and is read so, within what the probe can tell, is about nothing.
        """
        if value < 0 <= SPECS[parameter].possible[0]:
            return f"≈ {self.number(0, 0)}"
        return self.number(value, SPECS[parameter].decimals)

    def bound(self, value: float) -> str:
        """A number of a limit, with no more decimals than it has."""
        return format_decimal(value, format="#,##0.###", locale=self._locale)

    def age(self, at_ms: int, now_ms: int) -> str:
        """How long ago it was, in its largest whole unit; an instant in the future is now."""
        age_s = max(0, (now_ms - at_ms) // 1000)
        for unit, size_s in reversed(tuple(_AGE_UNITS.items())):
            if age_s >= size_s:
                return self._ago(unit, age_s // size_s)
        return self.say("now")

    def moment(self, at_ms: int, now_ms: int) -> str:
        """The time of day, with the date where it is not today's and the year where it is not this year's."""
        at, now = self._here(at_ms), self._here(now_ms)
        if at.date() == now.date():
            return f"{at:%H:%M}"
        pattern = "d MMM, HH:mm" if at.year == now.year else "d MMM y, HH:mm"
        return format_datetime(at, pattern, locale=self._locale)

    def exactly(self, at_ms: int) -> str:
        """The full date and the time to the second."""
        at = self._here(at_ms)
        return f"{format_date(at.date(), 'long', locale=self._locale)}, {at:%H:%M:%S}"

    def duration(self, span_ms: int) -> str:
        """A span of time in its two largest units, from days to minutes."""
        left_s, said = max(60, span_ms // 1000), []
        for unit in _SPAN_UNITS:
            count, left_s = divmod(left_s, _AGE_UNITS[unit])
            if count:
                said.append(self._told(unit, count, is_age=False))
        return " ".join(said[:2])

    def for_scripts(self) -> str:
        """What a script needs to write as this language does, as JSON: many browsers lack Georgian.

        `plural` holds, for a whole number modulo 100, the index of its form in each list of `ages`.
        """
        forms = [self._locale.plural_form(number) for number in range(_PLURAL_PERIOD)]
        known = sorted(set(forms), key=forms[1:].index)
        samples = [forms[1:].index(form) + 1 for form in known]
        told = {
            "decimal": self._locale.number_symbols["latn"]["decimal"],
            "months": [get_month_names("abbreviated", locale=self._locale)[month] for month in range(1, 13)],
            "plural": "".join(str(known.index(form)) for form in forms),
            "ages": {
                unit: [self._ago(unit, sample).replace(str(sample), "{}") for sample in samples]
                for unit in _AGE_UNITS
            },
        }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    def _ago(self, unit: _Unit, count: int) -> str:
        return self._told(unit, count, is_age=True)

    def _told(self, unit: _Unit, count: int, *, is_age: bool) -> str:
        return format_timedelta(
            timedelta(seconds=-count * _AGE_UNITS[unit] if is_age else count * _AGE_UNITS[unit]),
            granularity=unit,
            threshold=_NEVER_LARGER,
            add_direction=is_age,
            locale=self._locale,
        )

    @property
    def _locale(self) -> Locale:
        return _LOCALE[self.language]

    def _here(self, at_ms: int) -> datetime:
        return from_ms(at_ms).astimezone(_TBILISI)


def load_readers(folder: Path = _LOCALES) -> Mapping[Language, Reader]:
    """A reader for every language, from the catalogues in a folder."""
    return {
        language: Reader(language, {**shared_words(language), **catalogue(folder, language)})
        for language in Language
    }


def negotiated(accept_language: str) -> Language:
    """The language that an Accept-Language header asks for; Georgian where it asks for none of ours."""
    wishes: list[tuple[float, Language]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        language = language_named(tag.strip().split("-")[0].lower())
        if language is not None:
            wishes.append((_weight(weight), language))
    wishes.sort(key=lambda wish: -wish[0])
    return wishes[0][1] if wishes else Language.KA


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
