"""What people read: one SMS segment in their own language. Pure, but for the phrasebooks read once.

**Invariants**: a text is always one segment; where a form does not fit, the next, shorter one is taken, and
at the very last the name of the water point is cut, never the message. An automatic text never tells anybody
to boil: that is for a named person (an advisory). "Norm" is said only of a limit that a named person has
confirmed. Times are those of Tbilisi.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from alerts.events.event import Event
from alerts.latin import to_latin
from alerts.numbers import written, written_against, written_breach, written_limit
from alerts.phrasebook import Words, facts_in, phrasebook
from alerts.ports import Kind
from alerts.recipient import TBILISI
from alerts.rules import Fault
from alerts.segments import Encoding, encoding_of, segments
from waterquality.languages import Language
from waterquality.limits import Limit
from waterquality.parameters import Parameter

# A letter as names in the language hold it: it decides how the whole text is encoded.
_LETTER = {Language.KA: "ა", Language.AZ: "ə", Language.HY: "ա", Language.RU: "я", Language.EN: "a"}
# The widest of what a text may have to say; wider ones shorten the name of the water point.
_EXTREMES = (
    (3000.0, Limit(Parameter.TURBIDITY, None, 0.35, "")),
    (13.75, Limit(Parameter.PH, 6.25, 9.55, "")),
    (100_000.0, Limit(Parameter.FLOW, None, 99_999.0, "")),
    (1_000_000.0, Limit(Parameter.VOLUME, None, 100_000.0, "")),
    (-10.5, Limit(Parameter.TEMPERATURE, -9.5, 25.5, "")),
)
_OF_ONE_PARAMETER = {Kind.TURBIDITY_HIGH: Parameter.TURBIDITY, Kind.PH_OUT: Parameter.PH}
_WHEN = datetime(2026, 3, 5, 10, 20, tzinfo=TBILISI)
_NEXT_DAY = _WHEN + timedelta(days=1)


def render(
    kind: Kind,
    language: Language,
    *,
    site: str,
    value: float | None,
    limit: Limit | None,
    parameter: Parameter | None,
    at: datetime,
    now: datetime,
    is_latin: bool = False,
    fault: Fault = Fault.FAILING,
    event: Event | None = None,
    count: int = 1,
) -> str:
    """Write a text.

    Args:
        kind: what it says.
        language: what the recipient reads.
        site: short name of the water point, as `check_site_name` has passed it.
        value: in the parameter's unit; needed for a breach.
        limit: what was broken; needed for a breach. An all-clear speaks of the norm only if it is given a
            confirmed limit, so give it one only where every limit at the water point is confirmed.
        parameter: what was measured; needed for a breach.
        at: when it happened, or when the device was last heard of.
        now: when it is written; the day is added to `at` when it is another one in Tbilisi.
        is_latin: whether it is to be written in Latin letters (`latin`), which leave twice the room.
        fault: what ails the probe, where the text is about one.
        event: what changed, where the text is about an event.
        count: how many water points, where the text is about many.

    Returns:
        The text, always one SMS segment.

    Raises:
        ValueError: a fact that this kind cannot do without is None; mended by nobody but the programmer.
    """
    facts = _facts(language, value, limit, parameter) | _times(at, now)
    facts |= {"fault": phrasebook(language).faults[fault], "count": str(count)}
    facts |= {} if event is None else _cause(language, event)
    shorter = _ever_shorter(_forms(kind, language, facts), _tidy(site), facts)
    tried = map(to_latin, shorter) if is_latin else shorter
    return next(text for text in tried if segments(text).count == 1)


@cache
def max_site_units(language: Language) -> int:
    """The longest name of a water point that leaves every text whole.

    Returns:
        UTF-16 code units, or septets in English, for a name in the language's own letters.
    """
    return _room(language, _LETTER[language])


def check_site_name(name: str, language: Language) -> str:
    """Why a name is no short name for texts in this language; "" when it is."""
    if not name.strip():
        return "it is empty"
    if name != _tidy(name):
        return f"it holds spaces or signs that do not belong in a text; write it as {_tidy(name)!r}"
    outside = next((letter for letter in name if encoding_of(letter) is Encoding.UCS_2), _LETTER[language])
    room, units = _room(language, outside), segments(name).units
    return f"it takes {units} characters of at most {room}" if units > room else ""


def _facts(
    language: Language, value: float | None, limit: Limit | None, parameter: Parameter | None
) -> dict[str, str]:
    """The facts at hand; what is not known is left out, and with it every form that needs it."""
    facts = _named(phrasebook(language).words, limit)
    if parameter is None:
        return facts
    book = phrasebook(language)
    facts["name"], unit = book.names[parameter], f" {book.units[parameter]}".rstrip()
    if value is None:
        return facts
    facts["value"] = (written(value, parameter) if limit is None else written_against(value, limit)) + unit
    if limit is not None and (breach := written_breach(value, limit)):
        facts["breach"] = breach + unit
    return facts


def _cause(language: Language, event: Event) -> dict[str, str]:
    """What changed most, and whether the flow was steady meanwhile."""
    book, change = phrasebook(language), event.changes[0]
    parameter, moved = Parameter(change.parameter), change.after - change.before
    said = {
        "name": book.names[parameter],
        "move": book.causes.rose if moved > 0 else book.causes.fell,
        "size": f"{written(abs(moved), parameter)} {book.units[parameter]}".rstrip(),
        "minutes": str(max(1, round(change.minutes))),
    }
    short = book.causes.moved.format(**said)
    is_steady = Parameter.FLOW in event.steady
    return {"cause": book.causes.steady.format(**said) if is_steady else short, "cause_short": short}


def _named(words: Words, limit: Limit | None) -> dict[str, str]:
    """What the limit is called, and the limit itself where there is one."""
    if limit is not None and limit.is_verified:
        return {"limit": written_limit(limit), "word": words.norm, "within": words.in_norm}
    named = {"word": words.limit, "within": words.in_limit}
    return named if limit is None else named | {"limit": written_limit(limit)}


def _times(at: datetime, now: datetime) -> dict[str, str]:
    here = at.astimezone(TBILISI)
    is_today = here.date() == now.astimezone(TBILISI).date()
    day, time = f"{here:%d.%m}", f"{here:%H:%M}"
    return {"when": time, "when_short": time} if is_today else {"when": f"{day} {time}", "when_short": day}


def _forms(kind: Kind, language: Language, facts: Mapping[str, str]) -> Sequence[str]:
    """The forms whose facts are all at hand, the fullest first."""
    forms = [form for form in phrasebook(language).texts[kind] if facts_in(form) - {"site"} <= facts.keys()]
    if not forms:
        raise ValueError(f"{kind}: {sorted(facts)} is not enough to say it")
    return forms


def _ever_shorter(forms: Sequence[str], site: str, facts: Mapping[str, str]) -> Iterator[str]:
    """The forms, then the last of them with less and less of the name, then less and less of the bare text.

    The bare text gives way only to numbers that no water has, such as a limit of a thousand million.
    """
    yield from (form.format(site=site, **facts) for form in forms)
    names = (site[:length].rstrip(" -,(") for length in range(len(site), -1, -1))
    yield from (forms[-1].format(site=name, **facts) for name in names)
    bare = forms[-1].format(site="", **facts)
    yield from (bare[:length] for length in range(len(bare), -1, -1))


def _tidy(site: str) -> str:
    """A name without what spoils a text: control and invisible signs, odd spaces, Mtavruli capitals."""
    seen = "".join(" " if letter.isspace() else _mkhedruli(letter) for letter in site)
    return " ".join(
        "".join(letter for letter in seen if not unicodedata.category(letter).startswith("C")).split()
    )


def _mkhedruli(letter: str) -> str:
    """Mtavruli capitals (U+1C90 to U+1CBF) in the letters that every telephone can show."""
    return letter.lower() if "\u1c90" <= letter <= "\u1cbf" else letter


def _room(language: Language, letter: str) -> int:
    """Units left for a name made of such letters, in the tightest of all texts at their widest."""
    return (
        min(
            max(
                segments(form.format(site=letter, **facts)).room_left
                for form in _forms(kind, language, facts)
            )
            for kind, facts in _widest(language)
        )
        + segments(letter).units
    )


def _widest(language: Language) -> Iterator[tuple[Kind, dict[str, str]]]:
    times = _times(_WHEN, _NEXT_DAY)
    for kind in Kind:
        for value, limit in extremes_of(kind):
            facts = _facts(language, value, limit, limit.parameter) | times | {"count": "10000"}
            faults = phrasebook(language).faults.values() if kind is Kind.PROBE_FAULT else [""]
            yield from ((kind, facts | {"fault": fault}) for fault in faults)


def extremes_of(kind: Kind) -> Sequence[tuple[float, Limit]]:
    """The widest values, each in its parameter's unit, and limits that a kind of text may have to name."""
    only = _OF_ONE_PARAMETER.get(kind)
    return [(value, limit) for value, limit in _EXTREMES if only in (None, limit.parameter)]
