"""The folders through which gammu-smsd (backend `files`) and we talk, and the names and forms of what lies there.

smsd renames a text from `outbox` to `sent` or `error`, and never back: whoever looks in that order misses none.
What arrives lies in `inbox` in the form `detail`, which alone says whether it is a text or a delivery report. The
number of a report's text (the modem's, 0 to 255, over and over) stands nowhere but in smsd's log; hence `logged`.

Not here: what any of it means (`gammu`).
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from waterquality.errors import LinkError

_LOG_TAIL = 1_000_000  # bytes of smsd's log that are looked through
_LARGEST = 65_536  # bytes of a text of ten parts in the form `detail` are some 6,000
_OUT = re.compile(r"OUT[A-Z]\d{8}_\d{6}_\d+_(?P<number>\+\d+)_(?P<reference>[0-9A-Za-z-]+)\.txtd")
_SECTION = re.compile(r"^\[SMSBackup\d*\]\s*$", re.MULTILINE)
_FIELD = re.compile(r"^(\w+) = (.*?)\s*$", re.MULTILINE)
_SENT = re.compile(
    r"Transmitted OUT[^ ]*_(?P<reference>[0-9A-Za-z-]+)\.txtd \(.*?\) to (?P<number>\+\d+), "
    r"message reference 0x(?P<tpmr>[0-9a-fA-F]+)"
)


class SpoolUnavailable(LinkError):
    """The folders of gammu-smsd cannot be used; mended by time, or by whoever looks after the machine."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What lies in the inbox.

    Attributes:
        name: the file.
        number: who sent it, or to whom the reported text went.
        body: what it says.
        is_report: whether it is a delivery report.
        reference: of a report: the modem's number of the text.
        at: when smsd stored it.
    """

    name: str
    number: str
    body: str
    is_report: bool
    reference: int
    at: datetime


class Spool:
    """The folders, by their Debian names.

    Args:
        folder: holds `inbox`, `outbox`, `sent` and `error`.
        log: smsd's log; None where it writes none that we may read.
    """

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        self._folder, self._log = folder, log

    def place(self, name: str, body: str) -> None:
        """Lay a text into the outbox, whole or not at all."""
        half = self._folder / "outbox" / f".{name}"  # smsd takes no file that begins so
        try:
            with half.open("wb") as file:
                file.write(body.encode("utf-16"))
                file.flush()
                os.fsync(file.fileno())
            half.chmod(0o660)  # smsd may be another user of our group
            half.rename(half.with_name(name))
        except OSError as error:
            raise SpoolUnavailable(f"gammu: {half.parent} cannot be written: {error.strerror}") from None

    def find(self, reference: str) -> Path | None:
        """Where the text of this reference lies, wherever smsd has moved it; None where it never was."""
        for folder in ("outbox", "sent", "error"):
            for path in self._files(folder):
                found = _OUT.fullmatch(path.name)
                if found and found["reference"] == reference:
                    return path
        return None

    def remove(self, folder: str, name: str) -> None:
        """Remove a file; one that is gone already, or is no plain name, changes nothing."""
        if Path(name).name != name:
            return
        try:
            (self._folder / folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise SpoolUnavailable(f"gammu: {name} cannot be removed: {error.strerror}") from None

    def tidy(self, before: datetime) -> None:
        """Remove what was sent, and what was reported, before an instant."""
        limit_s = before.timestamp()
        for path in self._files("sent"):
            if _OUT.fullmatch(path.name) and _written_s(path) < limit_s:
                self.remove("sent", path.name)
        for arrival in self.arrivals():
            if arrival.is_report and arrival.at < before:
                self.remove("inbox", arrival.name)

    def arrivals(self) -> Iterator[Arrival]:
        """What lies in the inbox, oldest first; what cannot be read is left where it is."""
        for path in sorted(self._files("inbox"), key=lambda path: (_written_s(path), path.name)):
            arrival = _read(path)
            if arrival is not None:
                yield arrival

    def logged(self) -> Sequence[tuple[str, str, int]]:
        """(reference, number, modem's number) of what smsd says it transmitted, oldest first."""
        if self._log is None:
            return ()
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, self._log.stat().st_size - _LOG_TAIL))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ()
        return [(each["reference"], each["number"], int(each["tpmr"], 16)) for each in _SENT.finditer(text)]

    def _files(self, folder: str) -> list[Path]:
        try:
            return [path for path in (self._folder / folder).iterdir() if not path.name.startswith(".")]
        except OSError as error:
            where = self._folder / folder
            raise SpoolUnavailable(f"gammu: {where} cannot be read: {error.strerror}") from None


def name_of(number: str, reference: str, *, at: datetime, is_urgent: bool) -> str:
    """The name of a text in the outbox: smsd sends in the order of names, and reads the number from it."""
    return f"OUT{'A' if is_urgent else 'C'}{at:%Y%m%d_%H%M%S}_00_{number}_{reference}.txtd"


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0


def _read(path: Path) -> Arrival | None:
    """A file in the form `detail`: one section a part."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode("utf-8", errors="replace")
    except OSError:
        return None
    parts = [dict(_FIELD.findall(section)) for section in _SECTION.split(text)[1:]]
    if not parts or not path.name.startswith("IN"):
        return None
    first = parts[0]
    return Arrival(
        name=path.name,
        number=first.get("Number", "").strip('"'),
        body="".join(map(_body, parts)),
        is_report=first.get("PDU") == "Status_Report",
        reference=int(first.get("MessageReference", "0")),
        at=datetime.fromtimestamp(_written_s(path), UTC),
    )


def _body(part: dict[str, str]) -> str:
    """What a part says: hex of UTF-16 in pieces of `Text00`, `Text01` and so on."""
    pieces = "".join(part[key] for key in sorted(part) if re.fullmatch(r"Text\d+", key))
    try:
        return bytes.fromhex(pieces).decode("utf-16-be", errors="replace")
    except ValueError:
        return ""
