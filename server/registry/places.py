"""Which places somebody can hear of, and what is said of one that there is not."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select

from server.database.models import Municipality, WaterPoint
from server.registry.person_entry import PersonEntry

SUBSCRIPTIONS = ("water_points", "municipalities")
_SINGULAR = {"water_points": "water point", "municipalities": "municipality"}
_SOME = 8
Places = Mapping[str, frozenset[str]]


def read_places(connection: Connection) -> Places:
    """The ids of all water points and municipalities."""
    return {
        "water_points": frozenset(connection.scalars(select(WaterPoint.id))),
        "municipalities": frozenset(connection.scalars(select(Municipality.id))),
    }


def faults_of(entry: PersonEntry, places: Places) -> Iterator[tuple[str, str]]:
    """What is wrong with what somebody is to hear of, as (key, what to do)."""
    for key in SUBSCRIPTIONS:
        for place in getattr(entry, key):
            if place not in places[key]:
                yield key, f"there is no {_SINGULAR[key]} {place!r}; {_there_are(places[key])}"
    if not entry.water_points and not entry.municipalities:
        yield "water_points", "hears of nothing; name water points or municipalities"


def _there_are(known: frozenset[str]) -> str:
    some = sorted(known)[:_SOME]
    rest = f" and {len(known) - len(some)} more" if len(known) > len(some) else ""
    return f"there are {', '.join(some)}{rest}" if some else "none is registered"
