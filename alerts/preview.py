"""Every text that can go out, with what it costs: for the eyes of a translator, and so that the build fails.

Each is written twice over: as it usually is, and at its widest: with the longest name of a water point that is let
in, the widest numbers, a confirmed limit and an unconfirmed one, and the day beside the hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alerts.latin import to_latin
from alerts.ports import Kind
from alerts.recipient import TBILISI
from alerts.segments import Segmentation, segments
from alerts.texts import extremes_of, max_site_units, render
from waterquality.languages import Language
from waterquality.limits import Limit
from waterquality.parameters import Parameter

_AT = datetime(2026, 11, 20, 14, 5, tzinfo=TBILISI)
_LATER = _AT + timedelta(days=1)
_USUAL: dict[Kind, tuple[float | None, Limit]] = {
    Kind.TURBIDITY_HIGH: (12.4, Limit(Parameter.TURBIDITY, None, 5, "")),
    Kind.PH_OUT: (9.1, Limit(Parameter.PH, 6.5, 8.5, "")),
    Kind.LIMIT_BROKEN: (0.5, Limit(Parameter.FLOW, 2, None, "")),
    Kind.NIGHT_FLOW: (4.0, Limit(Parameter.FLOW, None, 0.5, "")),
    Kind.CHANGED_FAST: (3.1, Limit(Parameter.TURBIDITY, None, 5, "")),
    Kind.PROBE_FAULT: (None, Limit(Parameter.PH, 6.5, 8.5, "")),
    Kind.PROBE_WELL: (None, Limit(Parameter.PH, 6.5, 8.5, "")),
}
# A village as each language writes it, and the letter that becomes longest in Latin ones.
_VILLAGE = {
    Language.KA: "ალგეთი-3",
    Language.AZ: "Alget-3",
    Language.HY: "Ալգեթի-3",
    Language.RU: "Алгети-3",
    Language.EN: "Algeti-3",
}
_LONGEST_LETTER = {Language.KA: "წ", Language.AZ: "ə", Language.HY: "ց", Language.RU: "щ", Language.EN: "m"}


@dataclass(frozen=True, slots=True)
class Sample:
    """A text as it would go out.

    Attributes:
        language: of the reader.
        kind: what it says.
        is_latin: whether in Latin letters.
        is_widest: whether with all that makes it long.
        site: the name of the water point in it.
        text: the text.
    """

    language: Language
    kind: Kind
    is_latin: bool
    is_widest: bool
    site: str
    text: str

    @property
    def segmentation(self) -> Segmentation:
        """What it costs."""
        return segments(self.text)

    @property
    def why_not(self) -> str:
        """What is wrong with it; "" where nothing is."""
        if self.segmentation.count > 1:
            return f"{self.segmentation.count} segments"
        name = to_latin(self.site) if self.is_latin else self.site
        return "" if self.text.startswith(name) else "the name of the water point does not stand whole in it"


def usual_samples(language: Language, *, site: str = "", is_latin: bool = False) -> Iterator[Sample]:
    """Each kind of text as it usually is.

    Args:
        language: of the reader.
        site: short name of the water point; "" for a village of the region.
        is_latin: whether in Latin letters.
    """
    name = site or _VILLAGE[language]
    nothing: tuple[float | None, Limit | None] = (None, None)
    for kind in Kind:
        said = _USUAL.get(kind, nothing)
        yield _sample(kind, language, name, said, now=_AT, is_latin=is_latin)


def widest_samples(language: Language, *, is_latin: bool = False) -> Iterator[Sample]:
    """Each kind of text with all that makes it long."""
    name = longest_name(language)
    for kind in Kind:
        for value, limit in extremes_of(kind):
            for now in (_AT, _LATER):
                for named in (limit, replace(limit, verified_by="x", verified_on=date(2026, 1, 5))):
                    sample = _sample(kind, language, name, (value, named), now=now, is_latin=is_latin)
                    yield replace(sample, is_widest=True)


def longest_name(language: Language) -> str:
    """The longest name of a water point that is let in, in the letters that Latin ones write longest."""
    return _LONGEST_LETTER[language] * max_site_units(language)


def _sample(
    kind: Kind,
    language: Language,
    name: str,
    said: tuple[float | None, Limit | None],
    *,
    now: datetime,
    is_latin: bool,
) -> Sample:
    value, limit = said
    text = render(
        kind,
        language,
        site=name,
        value=value,
        limit=limit,
        parameter=None if limit is None else limit.parameter,
        at=_AT,
        now=now,
        is_latin=is_latin,
    )
    return Sample(language, kind, is_latin, False, name, text)  # noqa: FBT003 - not yet at its widest
