"""A small world for journeys: a real broker, store, database and gateway, our own programs, and some devices.

Everything runs in processes of its own and may be stopped, killed and started again. On leaving, a world looks
into every log: an unforeseen error anywhere fails the test.
"""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import select

from alerts.ports import Lane
from server.clock import SystemClock
from server.composing import open_database
from server.database.engine import Database
from server.database.models import TransitionRow
from server.ingest.books import Books
from server.ingest.custody import Book
from server.registry.file import load_registry, read_registry_file
from server.settings import load_settings
from tests.fakes.device import Device
from tests.fakes.local_gateway import LocalGateway
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO, Program, run
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from waterquality.readings import to_ms

CSO, MUNICIPALITY, TECHNICIAN = "+995555000001", "+995555000002", "+995555000003"
_BEFORE = timedelta(hours=1)  # since when everything stands where it stands

_SETTINGS = """
database_url = "{database_url}"
late_after_s = {late_after_s}
[mqtt]
host = "127.0.0.1"
port = {port}
[store]
kind = "influxdb"
url = "{influx_url}"
database = "{influx_database}"
[notify]
transport = "http_gateway"
gateway = "{gateway}"
{answers}
"""

_GATEWAY = """
[send]
url = "{url}/send"
fields = {{ to = "{{to}}", text = "{{text}}", reference = "{{reference}}" }}
[answer]
success_path = "success"
success_words = ["true"]
message_id_path = "data.0.messageId"
[secret_headers]
[secret_fields]
key = "secret"
"""

_MUNICIPALITY = """
[[municipality]]
id = "marneuli"
names = { ka = "მარნეული", en = "Marneuli" }
"""

_POINT = """
[[water_point]]
id = "{point}"
municipality = "marneuli"
names = {{ ka = "წყარო", en = "Spring" }}
sms_names = {{ ka = "ალგეთი-{n}", ru = "Алгети-{n}", en = "Algeti-{n}" }}
lat = 41.4
lon = 44.8
"""

_DEVICE = """
[[device]]
id = "{device}"
water_point = "{point}"
probes = {{ turbidity = "analog-nephelometer", ph = "sen0161-v2", flow = "yf-s201" }}
"""

_PEOPLE = f"""
[[person]]
id = "nino"
name = "Nino"
phone = "{CSO}"
language = "ka"
role = "cso"
municipalities = ["marneuli"]
consent = {{ on = 2026-01-05, wording = "yes, text me" }}
[[person]]
id = "ivan"
name = "Ivan"
phone = "{MUNICIPALITY}"
language = "ru"
role = "municipality"
municipalities = ["marneuli"]
consent = {{ on = 2026-01-05, wording = "yes, text me" }}
[[person]]
id = "ann"
name = "Ann"
phone = "{TECHNICIAN}"
language = "en"
role = "technician"
municipalities = ["marneuli"]
consent = {{ on = 2026-01-05, wording = "yes, text me" }}
"""

_RULE = """
[[rule]]
kind = "limit"
id = "turbidity-who-4"
confirm_after_s = {confirm_s}
clear_after_s = {clear_s}
deadband = 0.5
severity = "critical"
[rule.limit]
parameter = "turbidity"
high = 4.0
authority = "who-2017"
"""


_NO_EVENTS = """
[[rule]]
kind = "off"
id = "no-events"
water_points = [{points}]
replaces = "water-event"
"""


def registry(
    stays: Mapping[str, str], *, confirm_s: float = 0.3, clear_s: float = 0.5, events: bool = True
) -> str:
    """A registry file: devices at their water points, three people who hear of all, and a quick rule."""
    points = sorted(set(stays.values()))
    return "".join(
        [
            _MUNICIPALITY,
            *(_POINT.format(point=point, n=n) for n, point in enumerate(points, start=1)),
            *(_DEVICE.format(device=device, point=point) for device, point in stays.items()),
            _PEOPLE,
            _RULE.format(confirm_s=confirm_s, clear_s=clear_s),
            "" if events else _NO_EVENTS.format(points=", ".join(f'"{point}"' for point in points)),
        ]
    )


class World:
    """Devices, a broker, our server, a store and a gateway.

    Args:
        folder: where all files are.
        broker: running.
        influxdb: running; a database of this world's own is made by whoever writes first.
        database_url: of registry, ledger and custody; "" for a SQLite file in the folder.
        late_after_s: see the settings of the server.
        store_url: where our programs find the store; "" for the store itself.
        answers: the folder of a gammu-smsd to which people text back.
    """

    def __init__(
        self,
        folder: Path,
        broker: Mosquitto,
        influxdb: InfluxDB,
        *,
        database_url: str = "",
        late_after_s: float = 900.0,
        store_url: str = "",
        answers: Path | None = None,
    ) -> None:
        self.folder, self.broker, self.influxdb = folder, broker, influxdb
        self.gateway = LocalGateway()
        self.influx_database = f"w{folder.name}".replace("-", "_")
        self.settings = folder / "server.toml"
        self._text = _SETTINGS.format(
            database_url=database_url or f"sqlite:///{folder / 'tskaro.db'}",
            late_after_s=late_after_s,
            port=broker.port,
            influx_url=store_url or influxdb.url,
            influx_database=self.influx_database,
            gateway=folder / "gateway.toml",
            answers="" if answers is None else f'answers = "{answers}"',
        )
        self._database: Database | None = None
        self._programs: list[Program] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.gateway)
        self.settings.write_text(self._text)
        (self.folder / "gateway.toml").write_text(_GATEWAY.format(url=self.gateway.url))
        (self.folder / "secrets").mkdir()
        (self.folder / "secrets" / "tskaro_notify_secret").write_text("s3cret")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        defects = [each for program in self._programs for each in program.defects()]
        tails = [program.log.read_text(errors="replace")[-3000:] for program in self._programs if kind]
        for program in self._programs:
            program.close()
        if self._database is not None:
            self._database.close()
        self._open.close()
        print(*tails, sep="\n----\n")  # noqa: T201 - pytest shows it beside the failure
        assert not defects, "\n".join(defects)

    @property
    def env(self) -> dict[str, str]:
        """The environment of our programs: where systemd would put the secrets."""
        return {"CREDENTIALS_DIRECTORY": str(self.folder / "secrets"), "COLUMNS": "500"}

    @property
    def database(self) -> Database:
        """Registry, ledger and custody, brought to the newest schema."""
        if self._database is None:
            self._database = open_database(load_settings(self.settings, secrets_dir=self.folder / "secrets"))
        return self._database

    def restore(self, copied: Path) -> None:
        """Put a copy in the place of the database; no server may be running."""
        if self._database is not None:
            self._database.close()
            self._database = None
        for suffix in ("-wal", "-shm"):
            (self.folder / f"tskaro.db{suffix}").unlink(missing_ok=True)
        shutil.copy(copied, self.folder / "tskaro.db")

    def register(self, stays: Mapping[str, str], **rule: float) -> None:
        """Register devices at water points, as if an hour ago."""
        file = self.folder / "registry.toml"
        file.write_text(registry(stays, **rule))
        now = SystemClock().now()
        load_registry(read_registry_file(file), self.database, to_ms(now - _BEFORE))

    def tskaro(self, *arguments: object) -> str:
        """Type a command; returns what it printed.

        Raises:
            AssertionError: it did not succeed.
        """
        done = run(TSKARO, *arguments, "--settings", self.settings, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def server(self, command: str = "ingest") -> Program:
        """A process of the server, not started: `ingest`, `notify`, `serve`."""
        program = Program(
            [*TSKARO, command, "--settings", str(self.settings)],
            ready_event="" if command == "notify" else "broker_connected",
            env=self.env,
        )
        self._programs.append(program)
        return program

    def device(self, device: str = "kk-0001", **given: object) -> Device:
        """A device, not started."""
        folder, port = self.folder / str(given.pop("card", device)), given.pop("port", self.broker.port)
        made = Device(device, port, folder, **given)  # type: ignore[arg-type]
        self._programs.append(made)
        return made

    def holds(self, program: Program) -> None:
        """End this program with the world, and look into its log."""
        self._programs.append(program)

    def start(self, *programs: Program) -> None:
        """Start some programs side by side, and wait until all are ready."""
        for program in programs:
            program.spawn()
        for program in programs:
            program.wait_until_ready()

    def stored(self, device: str) -> list[tuple[str, int, int]]:
        """Epoch, number and instant of every observation of a device in the store, by instant."""
        query = f"SELECT epoch, seq FROM observation WHERE device = '{device}'"
        series = self.influxdb.query(query, self.influx_database)
        return [(epoch, seq, at_ms) for each in series for at_ms, epoch, seq in each["values"]]

    def book(self, device: Device) -> Book:
        """What the server holds of a device's epoch."""
        return Books(self.database).of((device.device, device.epoch))

    def changes(self, water_point: str, lane: Lane) -> list[str]:
        """The phases that alerts of a water point went into, oldest first."""
        of_lane = (TransitionRow.water_point_id == water_point) & (TransitionRow.lane == str(lane))
        with self.database.reading() as connection:
            return list(
                connection.scalars(select(TransitionRow.after).where(of_lane).order_by(TransitionRow.id))
            )

    def texts_to(self, address: str) -> list[str]:
        """The texts that reached a telephone, oldest first."""
        return [body for to, body in self.gateway.texts if to == address]

    def handed_over(self) -> int:
        """How often the gateway was asked to take a text, doubles and all."""
        return sum(request.target == "/send" for request in self.gateway.requests)

    def assert_all_is_kept(self, device: Device, *, killed: int = 0) -> int:
        """Let a device rest, wait until its outbox is empty, and hold its witness against the store.

        Args:
            device: running.
            killed: how often it was killed, each time perhaps between the outbox and the witness.

        Returns:
            How many observations it took.
        """

        def taken() -> set[tuple[str, int, int]]:
            observed = (each for each in device.witnessed() if each.kind == "observation")
            return {(each.epoch, each.seq, each.taken_ms) for each in observed}

        device.rest()
        with suppress(AssertionError):
            eventually(
                lambda: device.depth().records == 0 and taken() <= set(self.stored(device.device)),
                within_s=60,
            )
        stored = self.stored(device.device)
        names = [(epoch, seq) for epoch, seq, _ in stored]
        assert len(set(names)) == len(names), "an observation is stored twice"
        assert device.depth().records == 0, "the outbox does not empty"
        assert taken() <= set(stored), f"lost: {sorted(taken() - set(stored))[:10]}"
        assert len(stored) - len(taken()) <= killed, f"never taken: {sorted(set(stored) - taken())[:10]}"
        book = self.book(device)
        assert book.settled.spans == ((1, device.depth().head),)
        assert (book.quarantined.spans, book.missing.spans, book.gaps.spans) == ((), (), ())
        return len(taken())
