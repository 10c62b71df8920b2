"""Who is told what when an alert changes, in whose language. Pure but for the directory it asks.

**Invariants**
* Nobody is told that all is well while anything at that water point is still wrong or unknown.
* A text is rendered when it becomes owed, and is sent as it was rendered.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.draft import Draft
from alerts.holding import DEFAULT_HOLDING, Due, Holding, due_of_end, dues
from alerts.in_force import InForce
from alerts.lifecycle import Transition, Turn
from alerts.ports import SERVER, AlertKey, Directory, Kind, Owed, Standing
from alerts.recipient import Recipient
from alerts.rules import (
    CustodyRule,
    EventRule,
    LimitRule,
    MassSilenceRule,
    NightFlowRule,
    NoDataRule,
    NoFlowRule,
    RateRule,
    Rule,
    SensorFaultRule,
    Severity,
    Verdict,
    fault_of,
)
from alerts.texts import render
from waterquality.limits import Limit
from waterquality.parameters import Parameter

_BREACHES = {Parameter.TURBIDITY: Kind.TURBIDITY_HIGH, Parameter.PH: Kind.PH_OUT}
_OF_NO_PARAMETER = NoDataRule | CustodyRule | EventRule | MassSilenceRule
_ENDS_BY_ITSELF = RateRule | EventRule  # it says nothing of the water afterwards


class Telling:
    """Decides what is owed.

    Args:
        directory: who and where.
        in_force: the rules at each water point.
        holding: how long each tier has, and how often to remind.
    """

    def __init__(self, directory: Directory, in_force: InForce, holding: Holding = DEFAULT_HOLDING) -> None:
        self._directory, self._in_force, self._holding = directory, in_force, holding

    def owed(
        self,
        standing: Standing,
        rule: Rule,
        verdict: Verdict,
        transition: Transition,
        draft: Draft,
        *,
        last_heard: datetime | None,
        among: Sequence[str] = (),
    ) -> Iterator[Owed]:
        """The texts that a change of phase owes.

        Args:
            standing: of the alert, after the change.
            rule: by which it was judged.
            verdict: what the rule found.
            transition: the change.
            draft: the judgement so far.
            last_heard: of a silence: when the water point was last heard from.
            among: of what concerns many water points: which.
        """
        water_point = standing.key.water_point
        kind = self._kind(rule, transition, water_point, draft)
        if kind is None:
            return
        at = last_heard or transition.at
        recipients = self._recipients(rule, standing, draft, among)
        for recipient in recipients:
            text = render(
                kind,
                recipient.language,
                site=self._site(water_point, recipient),
                value=verdict.value,
                limit=self._limit_to_name(kind, rule, water_point, transition.level),
                parameter=None if isinstance(rule, _OF_NO_PARAMETER) else rule.parameter,
                at=at,
                now=draft.now,
                is_latin=recipient.is_latin,
                fault=fault_of(verdict.reason),
                event=verdict.event,
                count=round(verdict.value or 0) if isinstance(rule, MassSilenceRule) else 1,
            )
            ends = transition.turn is Turn.ENDS
            yield from (
                Owed(
                    standing.key,
                    standing.episode,
                    kind,
                    recipient,
                    text,
                    transition.at,
                    draft.now,
                    standing.step,
                    due=due,
                    ends=ends,
                    is_urgent=_is_urgent(rule, transition),
                )
                for due in self._dues(rule, standing, recipient, recipients, draft.now, ends=ends)
            )

    def _kind(self, rule: Rule, transition: Transition, water_point: str, draft: Draft) -> Kind | None:
        """What is to be said; None when nothing is."""
        if transition.turn is Turn.REOPENS and isinstance(rule, _ENDS_BY_ITSELF):
            return None  # nobody was told that it had ended
        if transition.turn in (Turn.BEGINS, Turn.REOPENS, Turn.RISES):
            return kind_of_breach(rule)
        if transition.turn is not Turn.ENDS or isinstance(rule, CustodyRule | _ENDS_BY_ITSELF):
            return None
        if isinstance(rule, LimitRule | NightFlowRule):
            return None if self._is_anything_open(water_point, draft) else Kind.ALL_CLEAR
        return _ENDS[type(rule)]

    def _is_anything_open(self, water_point: str, draft: Draft) -> bool:
        return any(
            draft.is_open(AlertKey(rule.id, water_point))
            for rule in self._in_force.at(water_point).all
            # Holes in the record say nothing of the water, and a change is over when it is over.
            if not isinstance(rule, CustodyRule | _ENDS_BY_ITSELF)
        )

    def _limit_to_name(self, kind: Kind, rule: Rule, water_point: str, level: int) -> Limit | None:
        """The limit a text may speak of; an all-clear may only where every limit there is confirmed."""
        if not isinstance(rule, LimitRule):
            return None
        every = (step.limit for other in self._in_force.at(water_point).limits for step in other.steps)
        all_confirmed = all(limit.is_verified for limit in every)
        return rule.step_of(level).limit if kind is not Kind.ALL_CLEAR or all_confirmed else None

    def _recipients(
        self, rule: Rule, standing: Standing, draft: Draft, among: Sequence[str]
    ) -> Sequence[Recipient]:
        """Whom it concerns: a silence in the middle of an alert concerns those who were told of the alert too."""
        water_point = standing.key.water_point
        concerned: list[tuple[Rule, int]] = [(rule, standing.state.level)]
        if isinstance(rule, NoDataRule):
            concerned += self._open_there(water_point, draft)
        ask = self._directory.recipients
        each = (
            ask(point, other.audience, other.severity_of(level))
            for point in among or (water_point,)
            for other, level in concerned
        )
        once = {recipient.person: recipient for recipients in each for recipient in recipients}
        return list(once.values())

    def _dues(
        self,
        rule: Rule,
        standing: Standing,
        recipient: Recipient,
        recipients: Sequence[Recipient],
        now: datetime,
        *,
        ends: bool,
    ) -> Iterator[Due]:
        severity = rule.severity_of(standing.state.level)
        if ends:
            return iter([due_of_end(recipient, severity, now)])
        return dues(
            recipient,
            severity,
            first_tier=min(each.tier for each in recipients),
            silence=self._directory.silence(rule.id, standing.key.water_point, now),
            now=now,
            holding=self._holding,
        )

    def _site(self, water_point: str, recipient: Recipient) -> str:
        if water_point == SERVER:
            return SERVER.capitalize()
        return self._directory.sms_name(water_point, recipient.language)

    def _open_there(self, water_point: str, draft: Draft) -> Iterator[tuple[Rule, int]]:
        """The rules about what is measured there whose alerts are open, and how bad each is."""
        for other in self._in_force.at(water_point).observed:
            key = AlertKey(other.id, water_point)
            if draft.is_open(key):
                yield other, draft.standing(key, draft.now).state.level


def _is_urgent(rule: Rule, transition: Transition) -> bool:
    """Whether somebody must act at once: a grave breach, and no word that it is over."""
    return transition.turn is not Turn.ENDS and rule.severity_of(transition.level) is Severity.CRITICAL


_ENDS: dict[type[Rule], Kind] = {
    NoDataRule: Kind.DEVICE_BACK,
    MassSilenceRule: Kind.ALL_HEARD,
    NoFlowRule: Kind.FLOW_BACK,
    SensorFaultRule: Kind.PROBE_WELL,
}
_BEGINS: dict[type[Rule], Kind] = {
    NoDataRule: Kind.DEVICE_SILENT,
    MassSilenceRule: Kind.ALL_SILENT,
    CustodyRule: Kind.RECORD_OPEN,
    NoFlowRule: Kind.NO_FLOW,
    NightFlowRule: Kind.NIGHT_FLOW,
    SensorFaultRule: Kind.PROBE_FAULT,
    RateRule: Kind.CHANGED_FAST,
    EventRule: Kind.WATER_CHANGED,
}


def kind_of_breach(rule: Rule) -> Kind:
    """What is said when a rule is broken."""
    if isinstance(rule, LimitRule):
        return _BREACHES.get(rule.parameter, Kind.LIMIT_BROKEN)
    return _BEGINS[type(rule)]
