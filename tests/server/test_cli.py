"""`tskaro` as an administrator types it, in a process of its own with an empty environment."""

import json
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.composing import open_database
from server.database.models import Deployment, Device, RuleRow, WaterPoint
from server.database.people_models import Person
from server.settings import load_settings
from tests.fakes.programs import TSKARO, run
from tests.fakes.world import registry

TABLES = (Device, Deployment, Person, RuleRow, WaterPoint)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "server.toml"
    path.write_text(
        f'database_url = "sqlite:///{tmp_path}/tskaro.db"\n[store]\npath = "{tmp_path}/readings.db"\n'
    )
    return path


@pytest.fixture
def village(tmp_path: Path) -> Path:
    path = tmp_path / "village.toml"
    path.write_text(registry({"kk-0001": "algeti", "kk-0002": "kosalari"}))
    return path


def tskaro(*words: object) -> subprocess.CompletedProcess[str]:
    return run(TSKARO, *words)


def counted(settings: Path) -> list[int]:
    database = open_database(load_settings(settings))
    with database.reading() as connection:
        found = [connection.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]
    database.close()
    return found


def test_a_registry_file_is_loaded_and_loading_it_again_changes_nothing(
    settings: Path, village: Path
) -> None:
    first = tskaro("registry", "load", village, "--settings", settings)
    once = counted(settings)
    second = tskaro("registry", "load", village, "--settings", settings)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "water points: 2, devices: 2, people: 3, rules: 1, screening: 0" in first.stdout
    assert once[:3] == [2, 2, 3]
    assert counted(settings) == once


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('role = "cso"', 'role = "ceo"'), ("person[0].role",)),
        (('language = "ka"', 'langauge = "ka"'), ("person[0].langauge", "did you mean `language`")),
        (('id = "kk-0001"', 'id = "pump"'), ("pump",)),
        (('ka = "ალგეთი-1"', f'ka = "{"ა" * 60}"'), ("algeti", "60 characters")),
        (("high = 4.0", "low = 5.0\nhigh = 4.0"), ("rule[0]", "low 5 is not below high 4")),
    ],
    ids=[
        "no such role",
        "a misspelt key",
        "no device id",
        "a name too long for a text",
        "limits upside down",
    ],
)
def test_a_registry_file_with_a_slip_is_refused_whole(
    settings: Path, village: Path, change: tuple[str, str], words: tuple[str, ...]
) -> None:
    assert change[0] in village.read_text()
    village.write_text(village.read_text().replace(*change, 1))

    done = tskaro("registry", "load", village, "--settings", settings)

    assert done.returncode == 78
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert counted(settings)[:3] == [0, 0, 0]


@pytest.mark.parametrize("command", ["completeness", "quarantine"])
def test_a_script_gets_json_even_where_there_is_nothing(settings: Path, command: str) -> None:
    done = tskaro(command, "--json", "--settings", settings)

    assert (done.returncode, json.loads(done.stdout)) == (0, [])


@pytest.mark.parametrize("command", ["serve", "ingest", "notify", "web", "completeness", "quarantine"])
def test_settings_that_are_not_there_are_named(tmp_path: Path, command: str) -> None:
    done = tskaro(command, "--settings", tmp_path / "nowhere.toml")

    assert done.returncode == 78
    assert "nowhere.toml: no such file" in done.stderr
