"""The three Georgian gateways on free ports of this machine, as they are documented: real HTTP, their own words.

Each knows one key, has a balance, refuses numbers that are none, and remembers what it took. Moods of
`LocalGateway` (a status, a dropped line, silence, rubbish) hold for one request of each.
"""

import json
import re
from typing import Any

from tests.fakes.local_gateway import LocalGateway, Mood

KEY = "k3y-of-a-gateway"
_INTERNATIONAL, _NATIONAL = re.compile(r"995\d{9}"), re.compile(r"5\d{8}")


class _Georgian(LocalGateway):
    """Common to all: what was taken, what arrived, what is left."""

    def __init__(self) -> None:
        super().__init__()
        self.balance = 100
        self.taken: list[tuple[str, str]] = []
        self.delivered: set[int] = set()

    @property
    def texts(self) -> list[tuple[str, str]]:
        return [(f"+995{number.removeprefix('995')}", body) for number, body in self.taken]

    def deliver_all(self) -> None:
        self.delivered |= set(range(1, len(self.taken) + 1))

    def take(self, number: str, body: str) -> int:
        self.taken.append((number, body))
        self.balance -= 1
        return len(self.taken)


class GoSmsServer(_Georgian):
    """api.gosms.ge: JSON, `errorCode` beside an HTTP status."""

    def answer(self, path: str, fields: dict[str, Any]) -> Mood:
        if fields["api_key"] != KEY:
            return self._error(401, 100)
        if path == "/sms-balance":
            return _said(200, {"success": True, "balance": self.balance})
        if path == "/checksms":
            return self._check(fields["messageId"])
        return self._send(fields)

    def _send(self, fields: dict[str, Any]) -> Mood:
        if fields["from"] != "Tskaro":
            return self._error(400, 101)
        if not _INTERNATIONAL.fullmatch(fields["to"]):
            return self._error(400, 105)
        if not fields["text"]:
            return self._error(400, 103)
        if self.balance < 1:
            return self._error(402, 102)
        number = self.take(fields["to"], fields["text"])
        told = {key: fields[key] for key in ("from", "to", "text")}
        return _said(
            200, {"success": True, "messageId": number, **told, "balance": self.balance, "segment": 1}
        )

    def _check(self, message_id: int) -> Mood:
        if not 0 < message_id <= len(self.taken):
            return self._error(404, 104)
        status = "DELIVERED" if message_id in self.delivered else "PENDING"
        return _said(200, {"success": True, "messageId": message_id, "status": status})

    def _error(self, status: int, code: int) -> Mood:
        return _said(status, {"success": False, "errorCode": code, "message": "an error"})


class SmsOfficeServer(_Georgian):
    """smsoffice.ge: HTTP 200 whatever happens, and an `ErrorCode`."""

    def __init__(self) -> None:
        super().__init__()
        self.references: dict[tuple[str, str], int] = {}

    def answer(self, path: str, fields: dict[str, Any]) -> Mood:
        if fields.get("key") != KEY:
            return self._code(80)
        if path == "/getBalance":
            return _said(200, {"Success": True, "Message": "", "Output": self.balance, "ErrorCode": 0})
        if path == "/v2/getMessageStatus/":
            return self._status(self.references.get((fields["destination"], fields["reference"])))
        assert path == "/v2/send/", path
        return self._send(fields)

    def _send(self, fields: dict[str, Any]) -> Mood:
        if fields["sender"] != "Tskaro":
            return self._code(150)
        if not _INTERNATIONAL.fullmatch(fields["destination"]):
            return self._code(76)
        if self.balance < 1:
            return self._code(20)
        number = self.take(fields["destination"], fields["content"])
        self.references[fields["destination"], fields["reference"]] = number
        return self._code(0)

    def _status(self, number: int | None) -> Mood:
        if number is None:
            return _said(200, {"Success": False, "Message": "not found", "Output": None, "ErrorCode": 1})
        status = "Delivered" if number in self.delivered else "Pending"
        return _said(200, {"Success": True, "Message": "", "Output": {"Status": status}, "ErrorCode": 0})

    def _code(self, code: int) -> Mood:
        return _said(200, {"Success": code == 0, "Message": "words", "Output": None, "ErrorCode": code})


class SenderServer(_Georgian):
    """sender.ge: HTTP statuses, nine digits, no words for what is wrong."""

    def answer(self, path: str, fields: dict[str, Any]) -> Mood:
        if fields["apikey"] != KEY:
            return _said(401, {})
        if path == "/getBalance.php":
            return _said(200, {"data": {"balance": self.balance, "overdraft": 0}})
        if path == "/callback.php":
            number = int(fields["messageId"]) if fields["messageId"].isdecimal() else 0
            status = int(number in self.delivered)
            return _said(200, {"data": [{"messageId": fields["messageId"], "statusId": status}]})
        return self._send(fields)

    def _send(self, fields: dict[str, Any]) -> Mood:
        if not _NATIONAL.fullmatch(fields["destination"]) or fields["smsno"] != "2":
            return _said(403, {})
        if self.balance < 1:
            return _said(402, {})
        number = self.take(fields["destination"], fields["content"])
        return _said(200, {"data": [{"messageId": str(number), "qnt": 1, "statusId": 1}]})


def _said(status: int, words: object) -> Mood:
    return Mood(status, json.dumps(words, ensure_ascii=False).encode())
