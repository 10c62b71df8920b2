"""Rollups in InfluxDB: worked out by asking it for sums and extremes, and written back as lines of their own.

Measurements `rollup_hour` and `rollup_day`, tags parameter and water_point; fields count, good, usable, flag and,
where there is a usable value, low, total and high. A field cannot be taken away again, so these three count only
while `usable` is above 0, and a rollup only while `count` is.

How far the marks are worked out (`rolled`, field `through`) is written after the rollups; what was worked out but
not yet noted is worked out again after a crash.
"""

from collections.abc import Callable, Collection, Mapping

from server.store import influxql_rollups as ask
from server.store.influx_answer import records
from server.store.influx_marks import RELIED_ON_MS, SETTLES_MS, Ask, Mark, Marks, relied_on_until
from server.store.influx_rolled import Key, key_of, line_of, part_of
from server.store.rollup import DAY_MS, HOUR_MS, Grain, Part, day_of, good_among_usable
from server.store.span import Span
from waterquality.flags import Flag
from waterquality.parameters import Parameter

_POINTS_AT_ONCE = 50
_DAYS_AT_ONCE = 14
_OVERLAP_MS = 120_000  # a mark may be seen so long after it was made
_KNOWN_FOR_MS = 10_000
_SURVEYED_AT_ONCE_MS = 2 * DAY_MS
Hour = tuple[str, int]


class Rollups:
    """Works rollups out, and knows how far that has come.

    Args:
        ask: puts a question.
        tell: writes lines with times in milliseconds, durably.
        marks: which hours are due.
        clock_ms: the store's time.
    """

    def __init__(
        self, ask: Ask, tell: Callable[[bytes], None], marks: Marks, clock_ms: Callable[[], int]
    ) -> None:
        self._ask, self._tell, self._marks, self._clock_ms = ask, tell, marks, clock_ms
        self._through = _Known(lambda: self._newest(ask_rolled), clock_ms)
        self._forgotten = _Known(lambda: self._newest(ask_forgotten), clock_ms)
        self._begin_anew()

    def doubt(self) -> None:
        """Believe nothing that was read: the store may have been replaced."""
        self._is_doubted = True

    def work_out(self, now_ms: int) -> int:
        """Work out some of the hours that are due; returns how many."""
        if self._is_doubted:
            self._begin_anew()
        if self._through.value() is None:
            return self._survey(now_ms)
        hours = self._ready(now_ms)
        if not hours:
            self._read(now_ms)
            hours = self._ready(now_ms)
        if hours:
            self._work_out(hours)
            for hour in hours:
                self._due.pop(hour, None)
        self._note(now_ms)
        return len(hours)

    def due_count(self) -> int:
        """How many hours are due."""
        through_ms = self._through.value()
        return (
            0
            if through_ms is None
            else len(
                {(mark.water_point, hour) for mark in self._marks.since(through_ms) for hour in mark.hours}
            )
        )

    def due_of(self, water_point: str) -> Collection[int] | None:
        """The hours of a water point that are, or may be, due; None when all are."""
        through_ms = self._through.value()
        if through_ms is None:
            return None
        return {hour for mark in self._marks.since(through_ms, water_point) for hour in mark.hours}

    def forgotten_ms(self) -> int:
        """Readings before it are deleted."""
        return self._forgotten.value() or 0

    def through_ms(self) -> int | None:
        """Marks before it are worked out; None while nobody has looked at what is there."""
        return self._through.value()

    def forgets(self, through_ms: int, now_ms: int) -> None:
        """Note that readings before it are to be deleted."""
        self._tell(f"{ask.FORGOTTEN} through={through_ms}i {now_ms}\n".encode())
        self._forgotten.set(through_ms)

    def has_due_before(self, end_ms: int, now_ms: int) -> bool:
        """Whether an hour before it is due, or may be; asks for the newest marks."""
        if self._is_doubted or self._through.value() is None:
            return True
        self._read(now_ms)
        first_ms = self.forgotten_ms()
        return any(first_ms <= hour_ms < end_ms for _, hour_ms in self._due)

    def _begin_anew(self) -> None:
        self._is_doubted = False
        self._due: dict[Hour, tuple[int, int]] = {}  # when it was first and last marked
        self._read_from_ms: int | None = None
        self._seen: set[Mark] = set()
        self._surveyed: tuple[int, int] | None = None  # when the survey began, and how far it has come
        self._through.forget()
        self._forgotten.forget()

    def _newest(self, question: str) -> int | None:
        return next((int(found["through"]) for found in records(self._ask(question))), None)

    def _survey(self, now_ms: int) -> int:
        """Mark the hours of what was written before there were rollups, a stretch at a time."""
        if self._surveyed is None:
            oldest = next((found["time"] for found in records(self._ask(ask.oldest_row(now_ms)))), now_ms)
            self._surveyed = now_ms, day_of(oldest)
        began_ms, at_ms = self._surveyed
        span = Span(at_ms, at_ms + _SURVEYED_AT_ONCE_MS)
        if span.start_ms > now_ms:
            self._go_on_from(began_ms - _OVERLAP_MS)
            return 1
        hours: dict[str, list[int]] = {}
        for found in records(self._ask(ask.hours_with_rows(span))):
            hours.setdefault(found["water_point"], []).append(found["time"])
        if hours:
            self._marks.mark_hours(hours)
        self._surveyed = began_ms, span.end_ms
        return 1

    def _read(self, now_ms: int) -> None:
        start_ms = self._read_from_ms
        if start_ms is None:
            start_ms = self._through.value() or 0
        self._read_from_ms = now_ms - _OVERLAP_MS
        marks = set(self._marks.since(start_ms))
        for mark in marks - self._seen:
            for hour_ms in mark.hours:
                first, last = self._due.get((mark.water_point, hour_ms), (mark.at_ms, mark.at_ms))
                self._due[mark.water_point, hour_ms] = min(first, mark.at_ms), max(last, mark.at_ms)
        self._seen = {mark for mark in marks if mark.at_ms >= self._read_from_ms}

    def _ready(self, now_ms: int) -> list[Hour]:
        """Hours whose marks have settled: of a day and a number of points, or of more days of fewer points."""
        ready = [
            hour
            for hour, (_, last_ms) in self._due.items()
            if relied_on_until(last_ms, hour[1]) + SETTLES_MS <= now_ms
        ]
        if not ready:
            return []
        day = day_of(min(hour_ms for _, hour_ms in ready))
        points = set(ask.names(hour for hour in ready if day_of(hour[1]) == day)[:_POINTS_AT_ONCE])
        end_ms = day + DAY_MS * max(1, min(_DAYS_AT_ONCE, _POINTS_AT_ONCE // len(points)))
        return [hour for hour in ready if hour[0] in points and hour[1] < end_ms]

    def _note(self, now_ms: int) -> None:
        if self._read_from_ms is None:
            return
        through_ms = min((first for first, _ in self._due.values()), default=self._read_from_ms)
        through_ms = min(through_ms, self._read_from_ms)
        if through_ms >= (self._through.value() or 0) + RELIED_ON_MS:
            self._go_on_from(through_ms, now_ms)

    def _go_on_from(self, through_ms: int, now_ms: int | None = None) -> None:
        at_ms = self._clock_ms() if now_ms is None else now_ms
        self._tell(f"{ask.ROLLED} through={through_ms}i {at_ms}\n".encode())
        self._through.set(through_ms)

    def _work_out(self, hours: Collection[Hour]) -> None:
        """These hours, and their days."""
        forgotten_ms = self.forgotten_ms()
        wanted = {hour for hour in hours if hour[1] >= forgotten_ms}
        if not wanted:
            return
        points = ask.names(wanted)
        starts = [hour_ms for _, hour_ms in wanted]
        span = Span(min(starts), max(starts) + HOUR_MS)
        found = {key: part for key, part in self._hours(points, span).items() if (key[0], key[2]) in wanted}
        empty = wanted - {(point, hour_ms) for point, _, hour_ms in found}
        if empty:
            found |= self._nothing_left(points, span, Grain.HOUR, lambda key: (key[0], key[2]) in empty)
        self._put(Grain.HOUR, found)
        whole = Span(day_of(span.start_ms), day_of(span.end_ms - 1) + DAY_MS)
        days = self._days(points, whole)
        if empty:
            days = self._nothing_left(points, whole, Grain.DAY, lambda key: key not in days) | days
        self._put(Grain.DAY, days)

    def _hours(self, points: Collection[str], span: Span) -> dict[Key, Part]:
        flags = list(records(self._ask(ask.worst_flags(points, span))))
        found: dict[Key, Part] = {}
        for parameter in Parameter:
            name = parameter.value
            counted = [each for each in flags if each[f"{name}_count"]]
            if not counted:
                continue
            usable = records(self._ask(ask.usable_values(points, parameter, span)))
            values = {(each["water_point"], each["time"]): each for each in usable}
            for each in counted:
                point, at_ms = each["water_point"], each["time"]
                of = values.get((point, at_ms), {})
                good = good_among_usable(of.get("flags") or 0, of.get("of_flags") or 0)
                found[point, name, at_ms] = part_of(
                    at_ms, each[f"{name}_flag"], each[f"{name}_count"], good, of
                )
        return found

    def _days(self, points: Collection[str], days: Span) -> dict[Key, Part]:
        usable = records(self._ask(ask.days_of_values(points, days)))
        values = {key_of(each): each for each in usable}
        return {
            key_of(each): part_of(
                each["time"], each["flag"], each["count"], each["good"], values.get(key_of(each), {})
            )
            for each in records(self._ask(ask.days_of_flags(points, days)))
            if each["count"]
        }

    def adopt(self, parts: Mapping[Key, Part]) -> None:
        """Put hours of the forgotten time, of a few water points, and work out their days."""
        if not parts:
            return
        starts = [at_ms for _, _, at_ms in parts]
        self._put(Grain.HOUR, parts)
        days = Span(day_of(min(starts)), day_of(max(starts)) + DAY_MS)
        self._put(Grain.DAY, self._days({point for point, _, _ in parts}, days))

    def oldest_due_ms(self) -> int | None:
        """The oldest hour after the forgotten time that is or may be due; None when none is known of."""
        first_ms = self.forgotten_ms()
        marked = (hour for mark in self._marks.since(self._through.value() or 0) for hour in mark.hours)
        return min((hour_ms for hour_ms in marked if hour_ms >= first_ms), default=None)

    def _nothing_left(
        self, points: Collection[str], span: Span, grain: Grain, concerns: Callable[[Key], bool]
    ) -> dict[Key, Part]:
        """Rollups that stand for readings that are there no more."""
        there = records(self._ask(ask.rolled_hours(points, span, grain=grain)))
        keys = map(key_of, there)
        return {key: Part(key[2], 0, 0, 0, None, 0.0, None, Flag.GOOD) for key in keys if concerns(key)}

    def _put(self, grain: Grain, parts: Mapping[Key, Part]) -> None:
        if parts:
            lines = (
                line_of(grain, point, name, part)
                for (point, name, _), part in sorted(parts.items(), key=_key)
            )
            self._tell("\n".join(lines).encode() + b"\n")


ask_rolled, ask_forgotten = ask.newest(ask.ROLLED), ask.newest(ask.FORGOTTEN)


class _Known:
    """Something asked of the store, known for a while."""

    def __init__(self, look: Callable[[], int | None], clock_ms: Callable[[], int]) -> None:
        self._look, self._clock_ms = look, clock_ms
        self._value: int | None = None
        self._until_ms = -1

    def value(self) -> int | None:
        """The value; None is never taken as known."""
        now_ms = self._clock_ms()
        if self._value is None or not now_ms < self._until_ms <= now_ms + _KNOWN_FOR_MS:
            self._value, self._until_ms = self._look(), now_ms + _KNOWN_FOR_MS
        return self._value

    def forget(self) -> None:
        """It is not known any more."""
        self._value = None

    def set(self, value: int) -> None:
        """It is this now."""
        self._value, self._until_ms = value, self._clock_ms() + _KNOWN_FOR_MS


def _key(item: tuple[Key, Part]) -> Key:
    return item[0]
