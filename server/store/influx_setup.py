"""Makes what an InfluxDB needs for us, and nothing twice: database or bucket, mapping, a user with least rights.

Readings are kept for ever as far as InfluxDB is concerned: Tskaro deletes those older than `store.keep_days`
itself, and rollups, which live beside them, are to stay. A retention that is found finite is made infinite; nothing
is ever made shorter, and nothing deleted.
"""

import json
from collections.abc import Iterator
from typing import Any

from influxdb_client.client.exceptions import InfluxDBError

from server.store import influx_answer, influxql
from server.store.influx_door import BUCKETS, Basic, InfluxDoor, with_advice
from server.store.influx_retention import policy_of
from server.store.port import StoreUnavailable
from waterquality.errors import ConfigError

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_CONFLICT, _NOT_FOUND = 409, 404
_DESCRIPTION = "Tskaro: readings"


def set_up(admin: InfluxDoor, own: Basic | None) -> Iterator[str]:
    """Make what is missing; what each step came to, in words.

    Args:
        admin: with the settings of the server and an administrator's rights.
        own: the user that the server will be, on 1.x with users; None for none.

    Raises:
        ConfigError: something is missing that only a person can make; mended by the operator.
        StoreUnavailable: not reached, or we may not; mended by time or, as the message says, by hand.
    """
    major = admin.major()
    if major < BUCKETS:
        yield from _set_up_1(admin, own)
    elif major == BUCKETS:
        yield from _Buckets(admin).set_up()
    else:
        yield from _set_up_3(admin)


def _set_up_1(admin: InfluxDoor, own: Basic | None) -> Iterator[str]:
    database = admin.settings.database
    names = [each["name"] for each in influx_answer.records(admin.query(influxql.show_databases()))]
    if database in names:
        yield f"database {database}: is there"
    else:
        admin.query(influxql.create_database(database))
        yield f"database {database}: made"
    found = policy_of(admin)
    if found is not None and found[1]:
        admin.query(influxql.keep_for_ever(database, found[0]))
        yield f"retention policy {found[0]}: made to keep for ever"
    if own is not None:
        yield from _let_in(admin, own)


def _let_in(admin: InfluxDoor, own: Basic) -> Iterator[str]:
    users = {
        each["user"]: each["admin"] for each in influx_answer.records(admin.query(influxql.show_users()))
    }
    if users.get(own.user):
        raise ConfigError(
            f"{own.user} is an administrator of InfluxDB: name another user in store.user, who may do less"
        )
    if own.user in users:
        admin.query(influxql.set_password(own.user, own.password))
        yield f"user {own.user}: is there; has the password of the secret file"
    else:
        admin.query(influxql.create_user(own.user, own.password))
        yield f"user {own.user}: made, with the password of the secret file"
    admin.query(influxql.grant(admin.settings.database, own.user))
    yield f"user {own.user}: may read and write {admin.settings.database}, and nothing else"


def _set_up_3(admin: InfluxDoor) -> Iterator[str]:
    database = admin.settings.database
    try:
        _ask(admin, "POST", "/api/v3/configure/database", body={"db": database})
    except _Answered as answered:
        if answered.status != _CONFLICT:
            raise StoreUnavailable(answered.said) from answered
        yield f"database {database}: is there"
    else:
        yield f"database {database}: made"
    yield "token: 3 Core knows administrators' tokens only; put one into the secret"
    yield "history: 3 Core answers for about the last 72 hours only"


class _Answered(Exception):
    """It answered with another status than 2xx."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


class _Buckets:
    """2.x: bucket, mapping, token."""

    def __init__(self, admin: InfluxDoor) -> None:
        self._admin, self._settings = admin, admin.settings

    def set_up(self) -> Iterator[str]:
        org = self._org()
        bucket, said = self._bucket(org)
        yield said
        yield self._mapping(org, bucket)
        yield from self._token(org, bucket)

    def _org(self) -> str:
        name = self._settings.org
        if not name:
            raise ConfigError("store.org is empty: InfluxDB 2 needs the name of an organisation")
        found = self._list("/api/v2/orgs", "orgs", [("org", name)])
        if not found:
            raise ConfigError(
                f"there is no organisation {name}: correct store.org, or `influx org create -n {name}`"
            )
        return str(found[0]["id"])

    def _bucket(self, org: str) -> tuple[str, str]:
        name = self._settings.bucket or self._settings.database
        found = self._list("/api/v2/buckets", "buckets", [("name", name), ("orgID", org)])
        if not found:
            made = self._post("/api/v2/buckets", {"orgID": org, "name": name, "retentionRules": []})
            return str(made["id"]), f"bucket {name}: made"
        bucket = str(found[0]["id"])
        if not any(rule.get("everySeconds") for rule in found[0].get("retentionRules", ())):
            return bucket, f"bucket {name}: is there"
        rules = {"retentionRules": [{"type": "expire", "everySeconds": 0}]}
        self._call("PATCH", f"/api/v2/buckets/{bucket}", rules)
        return bucket, f"bucket {name}: is there; made to keep for ever"

    def _mapping(self, org: str, bucket: str) -> str:
        database = self._settings.database
        found = self._list("/api/v2/dbrps", "content", [("orgID", org), ("db", database)])
        for mapping in found:
            if mapping["default"]:
                if str(mapping["bucketID"]) != bucket:
                    raise ConfigError(f"the DBRP mapping of {database} leads to another bucket: remove it")
                return f"DBRP mapping {database}: is there"
        mapping = {"orgID": org, "bucketID": bucket, "database": database}
        self._post("/api/v2/dbrps", mapping | {"retention_policy": "autogen", "default": True})
        return f"DBRP mapping {database}: made"

    def _token(self, org: str, bucket: str) -> Iterator[str]:
        description = f"{_DESCRIPTION} in {self._settings.database}"
        known = self._list("/api/v2/authorizations", "authorizations", [("orgID", org)])
        if any(each.get("description") == description for each in known):
            yield f'token "{description}": is there; delete it in InfluxDB to get another'
            return
        on = {"type": "buckets", "id": bucket, "orgID": org}
        rights = [{"action": action, "resource": on} for action in ("read", "write")]
        asked = {"orgID": org, "description": description, "permissions": rights}
        made = self._post("/api/v2/authorizations", asked)
        yield f'token "{description}": made; it may read and write the bucket, and nothing else'
        yield f'put it into the secret file tskaro_store_secret, and auth = "token" into [store]: {made["token"]}'

    def _list(self, path: str, key: str, where: list[tuple[str, str]]) -> list[dict[str, Any]]:
        try:
            return list(_ask(self._admin, "GET", path, where=where).get(key) or ())
        except _Answered as answered:
            if answered.status == _NOT_FOUND:
                return []
            raise StoreUnavailable(answered.said) from answered

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return _ask(self._admin, method, path, body=body)
        except _Answered as answered:
            raise StoreUnavailable(answered.said) from answered


def _ask(
    admin: InfluxDoor,
    method: str,
    path: str,
    *,
    where: list[tuple[str, str]] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    given = {"query_params": where or [], "header_params": dict(_JSON), "response_type": "object"}
    try:
        answer = admin.call(path, method=method, body=body, **given)[0]
    except InfluxDBError as error:
        status = int(getattr(error, "status", 0) or 0)
        raise _Answered(status, f"InfluxDB at {admin.settings.url}: {with_advice(error)}") from error
    if isinstance(answer, str):
        answer = json.loads(answer or "{}")
    return answer if isinstance(answer, dict) else {}
