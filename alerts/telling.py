"""Who is told what when an alert changes, in whose language. Pure but for the directory it asks.

**Invariants**
* Nobody is told that all is well while anything at that water point is still wrong or unknown.
* A text is rendered when it becomes owed, and is sent as it was rendered.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.draft import Draft
from alerts.in_force import InForce
from alerts.lifecycle import Phase, Transition
from alerts.ports import AlertKey, Directory, Kind, Owed, Standing
from alerts.recipient import Recipient
from alerts.rules import CustodyRule, LimitRule, NoDataRule, Rule, Verdict
from alerts.texts import render
from waterquality.limits import Limit
from waterquality.parameters import Parameter

_BREACHES = {Parameter.TURBIDITY: Kind.TURBIDITY_HIGH, Parameter.PH: Kind.PH_OUT}


class Telling:
    """Decides what is owed.

    Args:
        directory: who and where.
        in_force: the rules at each water point.
    """

    def __init__(self, directory: Directory, in_force: InForce) -> None:
        self._directory, self._in_force = directory, in_force

    def owed(
        self,
        standing: Standing,
        rule: Rule,
        verdict: Verdict,
        transition: Transition,
        draft: Draft,
        *,
        begins: bool,
        last_heard: datetime | None,
    ) -> Iterator[Owed]:
        """The texts that a change of phase owes.

        Args:
            standing: of the alert, after the change.
            rule: by which it was judged.
            verdict: what the rule found.
            transition: the change.
            draft: the judgement so far.
            begins: whether an episode begins with it.
            last_heard: of a silence: when the water point was last heard from.
        """
        kind = self._kind(rule, transition, standing.key.water_point, draft, begins=begins)
        if kind is None:
            return
        water_point = standing.key.water_point
        at = (last_heard or transition.at) if begins else transition.at
        for recipient in self._recipients(rule, water_point, draft):
            text = render(
                kind,
                recipient.language,
                site=self._directory.sms_name(water_point, recipient.language),
                value=verdict.value,
                limit=self._limit_to_name(kind, rule, water_point),
                parameter=rule.parameter if isinstance(rule, LimitRule) else None,
                at=at,
                now=draft.now,
                is_latin=recipient.is_latin,
            )
            yield Owed(standing.key, standing.episode, kind, recipient, text, transition.at, draft.now)

    def _kind(
        self, rule: Rule, transition: Transition, water_point: str, draft: Draft, *, begins: bool
    ) -> Kind | None:
        """What is to be said; None when nothing is."""
        if begins:
            return _kind_of_breach(rule)
        if transition.after is not Phase.RESOLVED or isinstance(rule, CustodyRule):
            return None
        if isinstance(rule, NoDataRule):
            return Kind.DEVICE_BACK
        return None if self._is_anything_open(water_point, draft) else Kind.ALL_CLEAR

    def _is_anything_open(self, water_point: str, draft: Draft) -> bool:
        return any(
            draft.is_open(AlertKey(rule.id, water_point))
            for rule in self._in_force.at(water_point).all
            if not isinstance(rule, CustodyRule)  # holes in the record say nothing of the water
        )

    def _limit_to_name(self, kind: Kind, rule: Rule, water_point: str) -> Limit | None:
        """The limit a text may speak of; an all-clear may only where every limit there is confirmed."""
        if not isinstance(rule, LimitRule):
            return None
        all_confirmed = all(other.limit.is_verified for other in self._in_force.at(water_point).limits)
        return rule.limit if kind is not Kind.ALL_CLEAR or all_confirmed else None

    def _recipients(self, rule: Rule, water_point: str, draft: Draft) -> Sequence[Recipient]:
        """Whom it concerns: a silence in the middle of an alert concerns those who were told of the alert too."""
        concerned: list[Rule] = [rule]
        if isinstance(rule, NoDataRule):
            limits = self._in_force.at(water_point).limits
            concerned += [other for other in limits if draft.is_open(AlertKey(other.id, water_point))]
        ask = self._directory.recipients
        each = (ask(water_point, other.audience, other.severity) for other in concerned)
        once = {recipient.person: recipient for recipients in each for recipient in recipients}
        return list(once.values())


def _kind_of_breach(rule: Rule) -> Kind:
    if isinstance(rule, NoDataRule):
        return Kind.DEVICE_SILENT
    if isinstance(rule, CustodyRule):
        return Kind.RECORD_OPEN
    return _BREACHES.get(rule.parameter, Kind.LIMIT_BROKEN)
