"""A transport made of transports: the first gateway that takes a text carries it.

**Invariants**
* The id of a text names the gateway that took it (`gosms:4711`), and that gateway alone is asked what became of it.
* A plain "no" goes to the next gateway at once. A lost answer does not: the same gateway is asked once more at the
  next try, and only then the next one, with "may arrive twice" on record. That memory is the process's own: after a
  restart, such a text may arrive twice as well.
* A text is rejected only when every gateway that could be asked has rejected it.
* What was spent is recorded after the gateway's answer; where it cannot be, it is recorded with the next text.

Whom to ask is decided in `routing`, what it may cost in `spending`.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar

import structlog

from alerts.ports import Fate
from alerts.segments import segments
from alerts.transports.port import (
    Balance,
    GatewayBusy,
    Handover,
    Prepaid,
    RecipientRejected,
    Text,
    Transport,
    Trouble,
)
from alerts.transports.routing import MINUTE, Condition, Route, Terms, is_resting, rests_until, route
from alerts.transports.spending import Ceiling, Purse, Threshold, day_of
from waterquality.errors import LinkError

_log = structlog.get_logger(__name__)
_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway and what was agreed about it.

    Attributes:
        terms: its name, its price and its pace.
        transport: what speaks to it.
        low_balance: below this much somebody is warned; None for never.
    """

    terms: Terms
    transport: Transport
    low_balance: float | None = None


@dataclass(frozen=True, slots=True)
class _Debt:
    """What is yet to be recorded as spent."""

    day: date
    gateway: str
    segments: int
    tetri: int


class Failover:
    """Carries texts through the first gateway that takes them.

    Args:
        gateways: in the order in which they are to be asked; their names differ.
        now: the time.
        purse: remembers what was spent.
        ceiling: what a day may cost.

    Attributes:
        tally: how often each gateway (name, what) took, rejected or did not take a text, and what became of them.
        balances: what each gateway said last that is left.
    """

    name: ClassVar[str] = "gateways"
    knows_references: ClassVar[bool] = False

    def __init__(
        self, gateways: Sequence[Gateway], now: Callable[[], datetime], purse: Purse, ceiling: Ceiling
    ) -> None:
        self.gateways = {each.terms.name: each for each in gateways}
        self._now, self._purse, self.ceiling = now, purse, ceiling
        self._conditions = dict.fromkeys(self.gateways, Condition())
        self._lost_by = OrderedDict[str, str]()  # reference -> the gateway that may have taken the text
        self._debts: list[_Debt] = []
        self.tally: Counter[tuple[str, str]] = Counter()
        self.balances: dict[str, Balance] = {}

    def send(self, text: Text) -> Handover:
        """Hand a text to the first gateway that takes it.

        Raises:
            GatewayBusy: none takes it now; mended by time, by payment or by the operator, as it says.
            RecipientRejected: none ever will; mended by nobody.
        """
        now, lost_by = self._now(), self._lost_by.get(text.reference)
        way = self._route(text, now, lost_by)
        told: list[str] = list(way.left_out)
        busy: GatewayBusy | None = None
        for name in way.names:
            try:
                handover = self._hand_over(name, text)
            except RecipientRejected as rejection:
                told.append(f"{name}: {rejection}")
            except GatewayBusy as error:
                busy = error
                told.append(f"{name}: {error}")
                self._had_trouble(name, error, now)
                if error.trouble is Trouble.LOST and lost_by is None:
                    self._remember_lost(text.reference, name)
                    raise GatewayBusy("; ".join(told), error.retry_after_s, Trouble.LOST) from None
            else:
                self._pay(name, text, now)
                self._lost_by.pop(text.reference, None)
                return _named(name, handover, lost_by, told)
        raise self._refusal(way, busy, told)

    def fate_of(self, message_id: str) -> Handover:
        """Ask the gateway that took a text what became of it.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        name, _, inner = message_id.partition(":")
        if name not in self.gateways:
            return Handover(Fate.UNKNOWN, message_id, f"{name}: no gateway of this name any more")
        answer = self.gateways[name].transport.fate_of(inner)
        if answer.fate is Fate.QUEUED:
            self._had_trouble(name, GatewayBusy(answer.detail, trouble=Trouble.DOWN), self._now())
        if answer.fate is not Fate.ACCEPTED:
            self.tally[name, str(answer.fate)] += 1
        return replace(answer, message_id=message_id, detail=f"{name}: {answer.detail}")

    def ask_balances(self) -> None:
        """Ask every gateway that can tell what is left; one that cannot say now keeps what it said last."""
        for name, gateway in self.gateways.items():
            if not isinstance(gateway.transport, Prepaid):
                continue
            try:
                self.balances[name] = balance = gateway.transport.balance()
            except LinkError as error:
                _log.warning("balance_unknown", gateway=name, detail=str(error))
                continue
            if gateway.low_balance is not None and balance.amount < gateway.low_balance:
                _log.warning("balance_low", gateway=name, balance=balance.amount, unit=balance.unit)

    def resting(self) -> frozenset[str]:
        """Gateways that had trouble lately."""
        now = self._now()
        return frozenset(name for name, each in self._conditions.items() if is_resting(each, now))

    def spent_tetri(self) -> int:
        """What texts have cost today.

        Raises:
            LinkError: it cannot be told now; mended by time.
        """
        return self._purse.spent_tetri(day_of(self._now()))

    def _route(self, text: Text, now: datetime, lost_by: str | None) -> Route:
        spent = 0 if self.ceiling.tetri is None or text.is_urgent else self._purse.spent_tetri(day_of(now))
        return route(
            [(each.terms, self._conditions[name]) for name, each in self.gateways.items()],
            segments=segments(text.body).count,
            is_urgent=text.is_urgent,
            spent_tetri=spent + sum(debt.tetri for debt in self._debts if debt.day == day_of(now)),
            ceiling=self.ceiling,
            now=now,
            answer_lost_by=lost_by,
        )

    def _hand_over(self, name: str, text: Text) -> Handover:
        try:
            handover = self.gateways[name].transport.send(text)
        except GatewayBusy as busy:
            self.tally[name, str(busy.trouble)] += 1
            raise
        except RecipientRejected:
            self.tally[name, "rejected"] += 1
            raise
        except LinkError as error:
            self.tally[name, str(Trouble.DOWN)] += 1
            raise GatewayBusy(str(error), trouble=Trouble.DOWN) from None
        except Exception as fault:  # noqa: BLE001 - a fault in one gateway's code leaves the others
            self.tally[name, str(Trouble.LOST)] += 1
            # Its message may hold a key or a number, so only its type is told.
            _log.error("gateway_misbehaved", gateway=name, fault=type(fault).__name__)
            raise GatewayBusy(f"misbehaved: {type(fault).__name__}", trouble=Trouble.LOST) from None
        self.tally[name, str(handover.fate)] += 1
        return handover

    def _pay(self, name: str, text: Text, now: datetime) -> None:
        terms, condition = self.gateways[name].terms, self._conditions[name]
        lately = tuple(at for at in condition.sent_at if now - MINUTE < at)
        self._conditions[name] = Condition(None, (*lately, now))
        count = segments(text.body).count
        self._debts.append(_Debt(day_of(now), name, count, terms.tetri * count))
        self._settle_debts()

    def _settle_debts(self) -> None:
        while self._debts:
            debt = self._debts[0]
            try:
                after = self._purse.spend(debt.day, debt.gateway, segments=debt.segments, tetri=debt.tetri)
            except LinkError as error:  # the text is on its way, and that is what matters
                _log.warning("spending_unrecorded", detail=str(error))
                return
            self._debts.pop(0)
            self._warn(self.ceiling.crossed(after - debt.tetri, after), after)

    def _warn(self, threshold: Threshold | None, spent_tetri: int) -> None:
        if threshold is Threshold.NEAR:
            _log.warning("sms_ceiling_near", spent_tetri=spent_tetri, ceiling_tetri=self.ceiling.tetri)
        elif threshold is Threshold.REACHED:
            _log.error("sms_ceiling_reached", spent_tetri=spent_tetri, ceiling_tetri=self.ceiling.tetri)

    def _had_trouble(self, name: str, error: GatewayBusy, now: datetime) -> None:
        condition = self._conditions[name]
        if not is_resting(condition, now):
            _log.warning("gateway_in_trouble", gateway=name, trouble=str(error.trouble), detail=str(error))
        self._conditions[name] = replace(condition, resting_until=rests_until(error, now))

    def _remember_lost(self, reference: str, name: str) -> None:
        self._lost_by[reference] = name
        while len(self._lost_by) > _REMEMBERED:
            self._lost_by.popitem(last=False)

    @staticmethod
    def _refusal(way: Route, busy: GatewayBusy | None, told: Sequence[str]) -> LinkError | RecipientRejected:
        """What to raise when nobody took it: a rejection only where nobody may take it later."""
        detail = "; ".join(told)
        if busy is not None:
            return GatewayBusy(detail, busy.retry_after_s, busy.trouble)
        if way.left_out:
            return GatewayBusy(detail, way.retry_after_s, Trouble.HELD)
        return RecipientRejected(detail)


def _named(name: str, handover: Handover, lost_by: str | None, told: Sequence[str]) -> Handover:
    """What the gateway said, under its name."""
    twice = "" if lost_by is None else f"may arrive twice, {lost_by} gave no answer"
    said = "; ".join(filter(None, (f"{name}: {handover.detail}", twice, *told)))
    return Handover(handover.fate, f"{name}:{handover.message_id}" if handover.message_id else "", said)
