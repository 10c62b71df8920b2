"""The server's settings: layers, secrets, and refusals that name file, key and reason."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_config.errors import ConfigRefused
from server.settings import InfluxAuth, ServerSettings, StoreKind, TransportKind, load_settings

Load = Callable[..., ServerSettings]


@pytest.fixture(autouse=True)
def _no_variables_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("TSKARO_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def write_and_load(text: str, **secrets: str) -> ServerSettings:
        folder = tmp_path / "secrets"
        folder.mkdir(exist_ok=True)
        for name, secret in secrets.items():
            (folder / name).write_text(secret)
        (tmp_path / "server.toml").write_text(text)
        return load_settings(tmp_path / "server.toml", secrets_dir=folder)

    return write_and_load


def refusal(load: Load, text: str, **secrets: str) -> list[str]:
    with pytest.raises(ConfigRefused) as refused:
        load(text, **secrets)
    return [
        str(problem).replace(problem.source, Path(problem.source).name) for problem in refused.value.problems
    ]


def test_an_empty_file_is_a_box_of_one_village(load: Load) -> None:
    settings = load("")

    assert settings.database_url.startswith("sqlite:///")
    assert (settings.store.kind, settings.notify.transport) == (StoreKind.SQLITE, TransportKind.PHONE)
    assert settings.web.host == "127.0.0.1"  # nobody from outside, until somebody says so


def test_the_environment_wins_over_secrets_and_secrets_complete_the_file(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[mqtt]\nusername = "tskaro"\nport = 1884\n[store]\nkind = "influxdb"\nauth = "token"\n'
    monkeypatch.setenv("TSKARO_MQTT__PORT", "1885")
    monkeypatch.setenv("TSKARO_STORE__SECRET", "from the environment")

    settings = load(text, tskaro_mqtt_password="from a file\n", tskaro_store_secret="from a file")

    assert settings.mqtt.port == 1885
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "from a file"
    assert settings.store.auth is InfluxAuth.TOKEN
    assert settings.store.secret is not None
    assert settings.store.secret.get_secret_value() == "from the environment"


def test_no_secret_is_shown_with_the_settings(load: Load) -> None:
    settings = load('[mqtt]\nusername = "tskaro"\n', tskaro_mqtt_password="s3cret")

    assert "s3cret" not in f"{settings!r}{settings}{settings.model_dump()}"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("late_afters_s = 3", "late_afters_s", "unknown key; did you mean `late_after_s`?"),
        ("late_after_s = 0", "late_after_s", "should be greater than 0"),
        ("[mqt]", "mqt", "unknown key; did you mean `mqtt`?"),
        ("[mqtt]\nprot = 1", "mqtt.prot", "unknown key; did you mean `port`?"),
        ("[mqtt]\nport = 65536", "mqtt.port", "should be less than or equal to 65535"),
        ('[store]\nkind = "influx"', "store.kind", "should be 'sqlite' or 'influxdb'"),
        ("[store]\nkeep_days = 0", "store.keep_days", "should be greater than or equal to 1"),
        (
            '[notify]\ntransport = "http_gateway"',
            "notify.gateway",
            'is required by transport = "http_gateway"',
        ),
        (
            '[mqtt]\ncertificate = "c.pem"',
            "mqtt.key",
            "certificate and key are given together or not at all",
        ),
        (
            '[mqtt]\npassword = "here"',
            "mqtt.password",
            "a secret does not belong here; put it into a file tskaro_mqtt_password",
        ),
        (
            '[store]\nauth = "token"',
            "store.secret",
            (
                'is required by auth = "token"; put it into the secret file tskaro_store_secret'
                " or the variable TSKARO_STORE__SECRET"
            ),
        ),
    ],
)
def test_it_is_refused_with_file_key_and_reason(load: Load, text: str, key: str, reason: str) -> None:
    assert refusal(load, text) == [f"server.toml: {key}: {reason}"]


def test_a_refusal_lists_every_problem_and_repeats_no_value(load: Load) -> None:
    found = refusal(load, "late_after_s = 0\n[mqtt]\nport = -71\n[web]\nhots = 'somewhere'")

    assert [line.split(": ")[1] for line in found] == ["late_after_s", "mqtt.port", "web.hots"]
    assert not any("-71" in line or "somewhere" in line for line in found)


def test_a_misspelt_variable_is_refused_with_the_nearest(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSKARO_STORE__SECRTE", "x")

    assert refusal(load, "") == [
        "TSKARO_STORE__SECRTE: there is no such setting; did you mean `TSKARO_STORE__SECRET`?"
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"nowhere\.toml: no such file"):
        load_settings(tmp_path / "nowhere.toml")
