"""The registry: what is deployed where, what can be judged there, and who is told."""

import time
from pathlib import Path

import pytest

from alerts.rules import LimitRule, Role, Severity
from alerts.seeds import shipped_rules
from server.database.engine import Database
from server.registry.current import CurrentRegistry
from server.registry.directory import SnapshotDirectory
from server.registry.file import load_registry, read_registry_file
from server.registry.snapshot import Registry, Stay
from server.registry.writing import deploy, seed_rules
from tests.fakes.town import SILENT, TURBID
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.parameters import Parameter

FILE = """
[[municipality]]
id = "bolnisi"
names = { ka = "ბოლნისი", en = "Bolnisi" }

[[water_point]]
id = "kazreti-tap"
municipality = "bolnisi"
names = { ka = "კაზრეთი", en = "Kazreti" }
sms_names = { ka = "კაზრეთი", en = "Kazreti" }
lat = 41.3816
lon = 44.4197

[[water_point]]
id = "bolnisi-spring"
municipality = "bolnisi"
names = { en = "Bolnisi, spring" }
sms_names = { en = "Bolnisi" }
lat = 41.3775
lon = 44.5008

[[device]]
id = "kk-0001"
water_point = "kazreti-tap"
probes = { turbidity = "sen0189", ph = "sen0161-v2" }

[[device]]
id = "kk-0002"
water_point = "bolnisi-spring"
probes = { turbidity = "analog-nephelometer" }

[[person]]
id = "nino"
name = "Nino"
phone = "+995555000101"
language = "ka"
role = "cso"
municipalities = ["bolnisi"]
water_points = ["kazreti-tap"]
consent = { on = 2026-01-05, wording = "yes, text me" }

[[person]]
id = "giorgi"
name = "Giorgi"
phone = "+995555000102"
language = "en"
role = "technician"
water_points = ["bolnisi-spring"]
consent = { on = 2026-01-05, wording = "yes, text me" }
"""


@pytest.fixture
def database(database: Database) -> Database:
    """On both kinds, with the rules of a new server."""
    with database.writing() as connection:
        seed_rules(connection, shipped_rules())
    return database


def loaded(database: Database, tmp_path: Path, text: str = FILE, at_ms: int = 1000) -> CurrentRegistry:
    path = tmp_path / "registry.toml"
    path.write_text(text, encoding="utf-8")
    load_registry(read_registry_file(path), database, at_ms)
    current = CurrentRegistry(database)
    current.refresh()
    return current


def test_a_file_is_registered_and_loading_it_again_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    first = loaded(database, tmp_path).registry()

    again = loaded(database, tmp_path, at_ms=9000).registry()

    assert first == again
    assert frozenset({"kk-0001", "kk-0002"}) == again.devices
    assert "kazreti-tap" == again.water_point("kk-0001", 1000)
    assert again.water_point("kk-0001", 999) is None


def test_a_device_that_moves_leaves_a_past_behind(database: Database, tmp_path: Path) -> None:
    loaded(database, tmp_path)
    with database.writing() as connection:
        deploy(connection, "kk-0001", "bolnisi-spring", 5000)
    current = CurrentRegistry(database)
    current.refresh()

    places = [current.registry().water_point("kk-0001", at) for at in (1000, 4999, 5000, 9999)]

    assert ["kazreti-tap", "kazreti-tap", "bolnisi-spring", "bolnisi-spring"] == places


def test_a_limit_is_judged_only_where_the_probe_can_evidence_it(database: Database, tmp_path: Path) -> None:
    current = loaded(database, tmp_path)

    def limits(point: str) -> set[Parameter]:
        return {rule.parameter for rule in current.rules_for(point) if isinstance(rule, LimitRule)}

    assert {Parameter.PH} == limits("kazreti-tap")  # a SEN0189 shows change and evidences nothing
    assert {Parameter.TURBIDITY} == limits("bolnisi-spring")
    assert "silence" in {rule.id for rule in current.rules_for("kazreti-tap")}


def test_a_person_who_subscribes_twice_is_told_once(database: Database, tmp_path: Path) -> None:
    current = loaded(database, tmp_path)

    told = current.recipients("kazreti-tap", frozenset({Role.CSO}), Severity.WARNING)

    assert [("nino", Language.KA)] == [(one.person, one.language) for one in told]
    assert ["giorgi"] == [
        one.person
        for one in current.recipients("bolnisi-spring", frozenset({Role.TECHNICIAN}), Severity.WARNING)
    ]


def test_a_missing_short_name_falls_back_to_english(database: Database, tmp_path: Path) -> None:
    current = loaded(database, tmp_path)

    assert "კაზრეთი" == current.sms_name("kazreti-tap", Language.KA)
    assert "Bolnisi" == current.sms_name("bolnisi-spring", Language.HY)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("lat = 41.3816", "lat = 141"), ("water_point[0].lat",), id="a latitude off the earth"),
        pytest.param(
            ('phone = "+995555000101"', 'phone = "555"'), ("person[0].phone",), id="no telephone number"
        ),
        pytest.param(('role = "cso"', 'rolle = "cso"'), ("rolle", "role"), id="a misspelt key"),
        pytest.param(
            ('language = "ka"', 'language = "fr"'), ("person[0].language",), id="a language we do not write"
        ),
    ],
)
def test_a_file_with_a_slip_is_refused_with_key_and_reason(
    tmp_path: Path, change: tuple[str, str], words: tuple[str, ...]
) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(FILE.replace(*change, 1), encoding="utf-8")

    with pytest.raises(ConfigError) as refused:
        read_registry_file(path)

    for word in (*words, "registry.toml"):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(('id = "kk-0002"', 'id = "raspberry"'), id="a device id of another form"),
        pytest.param(('["bolnisi"]', '["atlantis"]'), id="a municipality that is nowhere registered"),
        pytest.param(
            ('en = "Bolnisi" }\nlat', 'en = "' + "B" * 140 + '" }\nlat'), id="a short name that is none"
        ),
    ],
)
def test_what_cannot_be_registered_leaves_nothing_behind(
    database: Database, tmp_path: Path, change: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError):
        loaded(database, tmp_path, FILE.replace(*change))

    current = CurrentRegistry(database)
    current.refresh()
    assert frozenset() == current.registry().devices


def test_a_server_that_has_rules_keeps_its_own(database: Database) -> None:
    with database.writing() as connection:
        seed_rules(connection, ())
        seed_rules(connection, shipped_rules()[:1])
    current = CurrentRegistry(database)
    current.refresh()

    assert {rule.id for rule in shipped_rules()} == set(current.rules())


def test_a_region_of_ten_thousand_is_looked_through_once() -> None:
    stays = {f"kk-{n:05}": (Stay(f"kk-{n:05}", f"tap-{n}", 0, None),) for n in range(10_000)}
    directory = SnapshotDirectory(Registry(stays=stays), {}, {"turbid": TURBID, "silent": SILENT}, {}, {})

    began = time.process_time()

    assert directory.rules_for("tap-9999") == (SILENT,)
    assert time.process_time() - began < 1.0  # a look at every stay for every tap takes nine
