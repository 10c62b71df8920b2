"""An advisory told to an administrator: as facts for a script, and as lines to read."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.advisories.boiling import suggested, why_not_boil
from alerts.advisories.life import Circumstances, boil_is_doubted, clearance_of, told
from alerts.advisories.record import Advisory, Authority
from server.advisories.book import Entry
from server.advisories.rows import evidence_json, order_json


def facts(
    number: int,
    advisory: Advisory,
    now: datetime,
    *,
    around: Circumstances | None = None,
    history: Sequence[Entry] = (),
) -> dict[str, Any]:
    """An advisory for a script; with `around` also what may be done and how far the samples go."""
    said = {
        "advisory": number,
        "water_point": advisory.water_point,
        "phase": advisory.phase_at(now),
        "cause": advisory.cause,
        "proposed_at": advisory.proposed_at.isoformat(),
        "proposer": advisory.proposer or "the system",
        "reason": advisory.reason,
        "order": advisory.order and order_json(advisory.order),
        "issued_by": _person(advisory.issued_by),
        "confirmed_by": _person(advisory.confirmed_by),
        "issued_at": advisory.issued_at and advisory.issued_at.isoformat(),
        "waits_for_second": _person(None if advisory.pending is None else advisory.pending.by),
        "signed": advisory.pending and type(advisory.pending).__name__.lower(),
        "evidence": [evidence_json(each) for each in advisory.evidence],
    }
    if around is None:
        return said
    return said | _outlook(advisory, around) | {"history": [_entry(each) for each in history]}


def account(said: Mapping[str, Any]) -> Iterator[str]:
    """The same as lines to read."""
    yield f"advisory {said['advisory']} at {said['water_point']}: {said['phase'].replace('_', ' ')}"
    yield f"proposed {said['proposed_at']} by {said['proposer']}: {said['reason']}"
    if said["order"]:
        until = said["order"]["expires_at"]
        yield f"{said['order']['kind'].replace('_', ' ')}, issued by {said['issued_by']}, until {until}"
    if said["waits_for_second"]:
        yield f"{said['signed']}: signed by {said['waits_for_second']}; waits for a second person to confirm"
    yield from map(_evidence_line, said["evidence"])
    if not said["is_over"]:
        yield f"suggested: {said['suggested'].replace('_', ' ')}"
        yield f'"boil" is blocked: {said["boil_blocked"]}' if said["boil_blocked"] else '"boil" may be said'
    if said["boil_doubted"]:
        yield f"people are told to boil, and that is in doubt: {said['boil_doubted']}. Change it to do_not_drink"
    if said["samples"]:
        samples = said["samples"]
        yield f"clear samples: {samples['counted']} of {samples['needed']}; each tests {samples['each_tests']}"
    for each in said["history"]:
        details = ", ".join(f"{name}: {value}" for name, value in each["detail"].items())
        yield f"{each['at']} {each['act']} by {each['who']} ({details})"


def _outlook(advisory: Advisory, around: Circumstances) -> dict[str, Any]:
    found = clearance_of(advisory, around)
    samples = found and {
        "counted": len(found.counted),
        "needed": found.needed,
        "last_bad_at": found.last_bad_at and found.last_bad_at.isoformat(),
        "each_tests": told(found.demanded),
    }
    return {
        "is_over": advisory.phase.is_over,
        "suggested": suggested(advisory.causes, around.doubts),
        "boil_blocked": why_not_boil(advisory.causes, around.doubts),
        "boil_doubted": boil_is_doubted(advisory, around),
        "still_firing": list(around.firing),
        "samples": samples,
    }


def _evidence_line(each: Mapping[str, Any]) -> str:
    read = ", ".join(f"{seen['value']} (flag {seen['flag']})" for seen in each["readings"])
    return (
        f"evidence: {each['reason']}; {each['rule']}, episode {each['episode']}, since {each['breached_at']}"
        + (f"; readings: {read}" if read else "")
    )


def _entry(each: Entry) -> dict[str, Any]:
    return {
        "at": each.at.isoformat(),
        "act": each.act,
        "who": _person(each.who) or "-",
        "detail": each.detail,
    }


def _person(who: Authority | None) -> str | None:
    return None if who is None else f"{who.name}, {who.office}"
