"""The sample of the server's settings names every key, with the default it really has."""

import re
from pathlib import Path

from pydantic import SecretStr

import server.settings
from firmware_config.schema import leaves
from server.settings import ServerSettings, load_settings

SAMPLE = Path(server.settings.__file__).with_name("server.sample.toml")
NO_DEFAULT = {
    "mqtt.ca",
    "mqtt.certificate",
    "mqtt.key",
    "notify.answers",
    "notify.gateway",
    "notify.gateways",
    "metrics.port",
}  # shown with an example


def keys_of(text: str) -> set[str]:
    table, found = "", set()
    for line in text.splitlines():
        if opened := re.fullmatch(r"\[(.+)\]", line):
            table = opened[1] + "."
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            found.add(table + key[1])
    return found


def test_the_sample_can_be_used_as_it_stands() -> None:
    assert ServerSettings() == load_settings(SAMPLE)


def test_every_default_it_shows_is_the_one_in_force(tmp_path: Path) -> None:
    shown = re.sub(r"^# (\w+ = )", r"\1", SAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for table, key in (each.split(".") for each in NO_DEFAULT):
        shown = re.sub(rf"^(\[{table}\]\n(?:[^\[].*\n)*?)({key} = )", r"\1# \2", shown, flags=re.MULTILINE)
    (tmp_path / "server.toml").write_text(shown, encoding="utf-8")

    assert shown != SAMPLE.read_text(encoding="utf-8")
    assert ServerSettings() == load_settings(tmp_path / "server.toml")


def test_it_names_every_key_and_no_other() -> None:
    secrets = {".".join(keys) for keys, kind in leaves(ServerSettings) if kind is SecretStr}

    assert {".".join(keys) for keys, _ in leaves(ServerSettings)} - secrets == keys_of(
        SAMPLE.read_text("utf-8")
    )
    for secret in secrets:
        assert f"tskaro_{secret.replace('.', '_')}" in SAMPLE.read_text("utf-8")
