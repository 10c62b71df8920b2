"""A list of people into the registry, row by row: good rows go in, and of each bad one it is said what to do.

**Invariants**
* A row goes in whole or not at all, and no bad row keeps a good one out.
* The same list again changes nothing. An empty cell changes nothing of somebody who is known.
* A list opts nobody in again, and brings back nobody who was forgotten.
* No reason holds a telephone number or what stood in the cell.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from alerts.latin import to_latin
from firmware_config.refusal import problems_in
from server.registry.consent import consent_of, take_from_list
from server.registry.people import NewPerson, add_person, people
from server.registry.people_sheet import Sheet, SheetRow
from server.registry.person_entry import PersonEntry, as_written
from server.registry.places import SUBSCRIPTIONS, faults_of, read_places
from server.registry.telephone import read_telephone
from waterquality.errors import ConfigError
from waterquality.readings import to_ms

_YES, _NO = frozenset({"true", "yes", "1", "x"}), frozenset({"false", "no", "0"})
_NESTED = {"quiet_begin": ("quiet", "begin"), "quiet_end": ("quiet", "end")}
_NESTED |= {"consent_on": ("consent", "on"), "consent_wording": ("consent", "wording")}


class Fate(StrEnum):
    """What became of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Told:
    """Something to tell of a row.

    Attributes:
        row: its line in the spreadsheet.
        column: where; "" where it is of the whole row.
        what: what is so, and what to do.
    """

    row: int
    column: str
    what: str


@dataclass(slots=True)
class Report:
    """What became of a list.

    Attributes:
        fates: of each row, by its line.
        bad: what must be mended, in the order of the list.
        remarks: what should be known of rows that went in.
    """

    fates: dict[int, Fate] = field(default_factory=dict)
    bad: list[Told] = field(default_factory=list)
    remarks: list[Told] = field(default_factory=list)

    def count(self, fate: Fate) -> int:
        """How many rows came to that."""
        return sum(each is fate for each in self.fates.values())

    def problems(self) -> dict[int, str]:
        """All that is wrong with each bad row, in one line."""
        lines: dict[int, list[str]] = {}
        for told in self.bad:
            lines.setdefault(told.row, []).append(f"{told.column}: {told.what}" if told.column else told.what)
        return {row: "; ".join(each) for row, each in lines.items()}


class Importer:
    """Takes rows in, on one transaction.

    Args:
        connection: in a writing transaction.
        wording: what people agreed to whose row has a date and no wording.
        now: when.
    """

    def __init__(self, connection: Connection, *, wording: str, now: datetime) -> None:
        self._connection, self._wording, self._now = connection, wording, now
        self._known = people(connection)
        self._by_phone = {person.phone: person.id for person in self._known.values()}
        self._places = read_places(connection)
        self._seen: dict[str, int] = {}
        self.report = Report()

    def take(self, row: SheetRow) -> None:
        """Take a row in, or tell why not."""
        faults = list(self._take(row))
        self.report.bad += faults
        if faults:
            self.report.fates[row.number] = Fate.BAD

    def _take(self, row: SheetRow) -> Iterator[Told]:
        try:
            phone = read_telephone(row.cells.get("phone", ""))
        except ValueError as error:
            yield Told(row.number, "phone", _of_phone(row.cells.get("phone", ""), str(error)))
            return
        before = self._known.get(row.cells.get("id") or self._by_phone.get(phone.number, ""))
        try:
            entry = PersonEntry.model_validate(self._written(row, before))
        except ValidationError as error:
            yield from (
                Told(row.number, _column(each.key), each.reason) for each in problems_in(error, PersonEntry)
            )
            return
        faults = [Told(row.number, *fault) for fault in self._faults(entry)]
        if faults:
            yield from faults
            return
        try:
            self.report.fates[row.number] = self._register(entry, before)
        except ConfigError as error:
            yield Told(row.number, "", str(error))
            return
        self._seen[entry.id] = row.number
        remarks = self._remarks(entry, before, phone.remark)
        self.report.remarks += (Told(row.number, *remark) for remark in remarks)

    def _written(self, row: SheetRow, before: NewPerson | None) -> dict[str, Any]:
        """The row as a registry file would have it, over what is known of the person."""
        written: dict[str, Any] = {"id": self._new_id(row)} if before is None else as_written(before)
        for column, cell in row.cells.items():
            value = _value(column, cell)
            if column in _NESTED:
                table, key = _NESTED[column]
                written[table] = {**(written.get(table) or {}), key: value}
            else:
                written[column] = value
        consent = written.get("consent")
        if consent and "on" in consent and "wording" not in consent and self._wording:
            consent["wording"] = self._wording
        return written

    def _new_id(self, row: SheetRow) -> str:
        """A name of letters that nobody bears yet."""
        stem, taken = _stem(row.cells.get("name", "")), {*self._known, *self._seen}
        others = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (stem, *others) if name not in taken)

    def _faults(self, entry: PersonEntry) -> Iterator[tuple[str, str]]:
        """What is wrong with somebody who is well written by themselves."""
        yield from faults_of(entry, self._places)
        holder = self._by_phone.get(entry.phone)
        if holder is not None and holder != entry.id:
            yield "phone", f"is the number of {holder} already; one person, one number"
        if entry.id in self._seen:
            yield "", f"the same person as in row {self._seen[entry.id]}; leave one of them"
        if entry.consent is not None and entry.consent.at() > self._now:
            yield "consent_on", "lies in the future"

    def _register(self, entry: PersonEntry, before: NewPerson | None) -> Fate:
        new = entry.person()
        if new != before:
            add_person(self._connection, new)
            if before is not None:
                self._by_phone.pop(before.phone, None)
            self._known[new.id], self._by_phone[new.phone] = new, new.id
        is_news = self._consents(entry)
        if before is None:
            return Fate.NEW
        return Fate.CHANGED if is_news or new != before else Fate.UNCHANGED

    def _consents(self, entry: PersonEntry) -> bool:
        return entry.consent is not None and take_from_list(
            self._connection,
            entry.id,
            wording=entry.consent.wording,
            at=entry.consent.at(),
            source="import",
            now_ms=to_ms(self._now),
        )

    def _remarks(
        self, entry: PersonEntry, before: NewPerson | None, of_phone: str
    ) -> Iterator[tuple[str, str]]:
        if of_phone:
            yield "phone", of_phone
        namesakes = [
            each.id for each in self._known.values() if (each.name, each.id != entry.id) == (entry.name, True)
        ]
        if before is None and namesakes:
            again = f"tskaro people edit {namesakes[0]} --phone"
            yield "name", f"{namesakes[0]} bears the same name; if it is a new number of theirs: {again}"
        said = consent_of(self._connection, entry.id)
        if said is None:
            yield "consent_on", "no consent: gets no texts until there is one"
        elif not said.is_given:
            yield "consent_on", "has opted out and stays out; a list opts nobody in again"


def import_people(
    connection: Connection,
    sheet: Sheet,
    *,
    wording: str,
    now: datetime,
    progress: Callable[[Iterable[SheetRow]], Iterable[SheetRow]] = lambda rows: rows,
) -> Report:
    """Take a list of people in.

    Args:
        connection: in a writing transaction.
        sheet: the list.
        wording: what people agreed to whose row has a date and no wording; "" where each row says so itself.
        now: when.
        progress: told of each row on its way.
    """
    importer = Importer(connection, wording=wording, now=now)
    for row in progress(sheet.rows):
        importer.take(row)
    return importer.report


def _stem(name: str) -> str:
    """A name in small letters of ASCII and hyphens."""
    parted = unicodedata.normalize("NFKD", to_latin(name)).replace("'", "")
    spoken = "".join(letter for letter in parted if not unicodedata.combining(letter))
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in spoken)
    return "-".join(words.lower().split())[:50] or "person"


def _value(column: str, cell: str) -> Any:
    """A cell as the registry file would write it."""
    if column in SUBSCRIPTIONS:
        return tuple(cell.replace(";", " ").replace(",", " ").split())
    if column == "latin":
        word = cell.lower()
        return True if word in _YES else False if word in _NO else cell
    if column == "consent_on":
        return _day(cell)
    return cell.lower() if column in ("language", "role", "least_severity") else cell


def _day(cell: str) -> date | str:
    """A day as spreadsheets of the region write it; else the words themselves, to be refused with the reason."""
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(cell, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return cell


def _of_phone(cell: str, reason: str) -> str:
    if not cell:
        return "is missing"
    if "e+" in cell.lower():
        return "the spreadsheet has rounded it; make the column text, and type it again"
    return reason


def _column(key: str) -> str:
    """The column that a key of the registry file stands in."""
    bare = key.partition("[")[0]
    nested: Mapping[str, str] = {f"{table}.{name}": column for column, (table, name) in _NESTED.items()}
    return nested.get(bare, {"quiet": "quiet_begin", "consent": "consent_on"}.get(bare, bare))
