"""What is wrong with rules that each read well alone: named with its place and how to mend it. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from alerts.rules.placing import AnyRule, OffRule
from alerts.rules.silence import NoDataRule


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is wrong with rules.

    Attributes:
        rule: id of the rule it is in; "" where it is in all of them together.
        what: what is wrong.
        mend: what to do.
    """

    rule: str
    what: str
    mend: str


def mistakes(rules: Sequence[AnyRule], water_points: Collection[str] | None = None) -> Iterator[Mistake]:
    """What is wrong with rules taken together.

    Args:
        rules: all of them.
        water_points: ids of those that are registered; None where nobody knows.
    """
    by_id = {rule.id: rule for rule in rules}
    for rule in rules:
        yield from _of_scope(rule, by_id, water_points)
    for one, other in combinations((rule for rule in rules if rule.scope.replaces), 2):
        both = one.scope.water_points & other.scope.water_points
        if one.scope.replaces == other.scope.replaces and both:
            where = ", ".join(sorted(both))
            yield Mistake(
                other.id,
                f"{one.id} replaces {one.scope.replaces} at {where} already",
                "name a water point in one of the two only",
            )
    if not any(isinstance(rule, NoDataRule) and not rule.scope.water_points for rule in rules):
        yield Mistake("", "no rule about silence is in force everywhere", 'add one of kind "no_data"')


def _of_scope(
    rule: AnyRule, by_id: dict[str, AnyRule], water_points: Collection[str] | None
) -> Iterator[Mistake]:
    for each in sorted(rule.scope.water_points):
        if water_points is not None and each not in water_points:
            yield Mistake(rule.id, f"no water point {each} is registered", "mend the id, or register it")
    replaces = rule.scope.replaces
    if not replaces:
        return
    other = by_id.get(replaces)
    if other is None:
        known = ", ".join(sorted(by_id.keys() - {rule.id}))
        yield Mistake(rule.id, f"it replaces {replaces}, which is no rule", f"there are: {known}")
    elif not isinstance(rule, OffRule) and _about(rule) != _about(other):
        yield Mistake(
            rule.id,
            f"it replaces {replaces}, which is about {_about(other)}, and is itself about {_about(rule)}",
            'turn that one off by a rule of kind "off", and let this one replace nothing',
        )


def _about(rule: AnyRule) -> str:
    return str(getattr(rule, "parameter", type(rule).__name__))
