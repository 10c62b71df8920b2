"""A real gammu-smsd with gammu's dummy modem: what it sends is in its log, what arrives is laid in a folder."""

import re
import time
from pathlib import Path

from tests.services.service import Service, find_binary

_FOUND = re.compile(r'Found \d+ sms to "(\+\d+)" with text "(.*?)" cod \d', re.DOTALL)
_PATIENCE_S = 20.0


class GammuSmsd(Service):
    """The daemon, its spool under `spool` and its modem under `modem`."""

    def __init__(self) -> None:
        super().__init__()
        self.spool = self.directory / "spool"
        self._modem = self.directory / "modem"
        self._texts = 0

    def command(self) -> list[str]:
        return [find_binary("gammu-smsd"), "-c", str(self.directory / "smsdrc")]

    def prepare(self) -> None:
        for name in ("inbox", "outbox", "sent", "error"):
            (self.spool / name).mkdir(parents=True)
        for number in range(1, 6):
            (self._modem / "sms" / str(number)).mkdir(parents=True)
        (self.directory / "smsdrc").write_text(
            f"""[gammu]
device = {self._modem}
connection = none
model = dummy
[smsd]
service = files
logfile = stderr
debuglevel = 255
inboxpath = {self.spool}/inbox/
outboxpath = {self.spool}/outbox/
sentsmspath = {self.spool}/sent/
errorsmspath = {self.spool}/error/
inboxformat = detail
deliveryreport = sms
commtimeout = 1
receivefrequency = 1
loopsleep = 1
statusfrequency = 0
checksecurity = 0
checkbattery = 0
checksignal = 0
"""
        )

    def is_ready(self) -> bool:
        return "GSM_GetIMEI" in self.log.read_text(errors="replace")

    def transmitted(self) -> list[tuple[str, str]]:
        """The (number, body) of each text it read from the outbox, oldest first."""
        return _FOUND.findall(self.log.read_text(encoding="utf-8", errors="replace"))

    def wait_until_sent(self, references: int) -> None:
        """Wait until so many texts lie among those sent."""
        self.wait_for(lambda: len(list((self.spool / "sent").iterdir())) >= references)

    def receive(self, sender: str, body: str) -> None:
        """A text arrives at the modem, in parts of 67 where it is long."""
        parts = [body[at : at + 67] for at in range(0, len(body), 67)]
        lines = []
        for number, part in enumerate(parts, start=1):
            udh = f"UDH = 05000342{len(parts):02X}{number:02X}" if len(parts) > 1 else ""
            lines.append(("Deliver", part, f"{udh}\nMessageReference = 0"))
        for kind, part, more in lines:
            self._arrive(sender, kind, part, more)

    def report(self, number: str, words: str = "Delivered", *, reference: int = 255) -> None:
        """A delivery report arrives; the dummy modem calls each text 255."""
        self._arrive(number, "Status_Report", words, f"MessageReference = {reference}")

    def wait_for_arrivals(self, count: int) -> None:
        """Wait until so many files lie in the inbox, and the modem is empty."""
        folder = self._modem / "sms" / "1"
        self.wait_for(lambda: len(self._inbox()) >= count and not any(folder.iterdir()))

    def wait_for(self, is_so) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, self.log.read_text(errors="replace")[-3000:]
            time.sleep(0.05)

    def empty(self) -> None:
        """Forget what came and went, for the next test."""
        for path in [*self._inbox(), *(self.spool / "sent").iterdir(), *(self.spool / "error").iterdir()]:
            path.unlink()

    def _inbox(self) -> list[Path]:
        return list((self.spool / "inbox").iterdir())

    def _arrive(self, number: str, kind: str, body: str, more: str) -> None:
        self._texts += 1
        second = f"20261128T{self._texts // 3600:02}{self._texts // 60 % 60:02}{self._texts % 60:02}"
        half = self._modem / f"half-{self._texts}"
        half.write_text(
            f"""[SMSBackup000]
SMSCUnicode = {_hex("+995599")}
PDU = {kind}
Sent = {second}
DateTime = {second}
State = UnRead
Number = "{number}"
NumberUnicode = {_hex(number)}
{_pieces(body)}
Length = {len(body.encode("utf-16-be")) // 2}
Coding = Unicode_No_Compression
Folder = 1
Class = -1
{more}
"""
        )
        half.rename(self._modem / "sms" / "1" / str(self._texts))


def _hex(text: str) -> str:
    return text.encode("utf-16-be").hex().upper()


def _pieces(body: str) -> str:
    whole = _hex(body)
    return "\n".join(
        f"Text{at // 200:02} = {whole[at : at + 200]}" for at in range(0, max(1, len(whole)), 200)
    )
