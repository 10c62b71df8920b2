import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

import edge.settings
from edge.settings import Authentication, Deflate, EdgeSettings, LogFormat, Mqtt, WhenFull, load_settings
from firmware_config.errors import ConfigRefused
from firmware_config.layers import secret_file_of, variable_of
from firmware_config.schema import leaves
from waterquality.errors import ConfigError

SAMPLE = Path(edge.settings.__file__).with_name("edge.sample.toml")
OPEN = '[mqtt]\nhost = "broker.example.org"\nauthentication = "none"\n'
WITH_PASSWORD = '[mqtt]\nhost = "h"\nauthentication = "password"\nusername = "kk-0007"\n'


@pytest.fixture(autouse=True)
def _no_variables_of_this_machine(monkeypatch):
    for name in os.environ:
        if name.upper().startswith("TSKARO_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)


@pytest.fixture
def load(tmp_path):
    def write_and_load(text, **secrets):
        folder = tmp_path / "secrets"
        folder.mkdir(exist_ok=True)
        for name, secret in secrets.items():
            (folder / name).write_text(secret)
        (tmp_path / "edge.toml").write_text(text)
        return load_settings(tmp_path / "edge.toml", secrets_dir=folder)

    return write_and_load


def refusal(load, text, **secrets):
    with pytest.raises(ConfigRefused) as refused:
        load(text, **secrets)
    return [
        str(problem).replace(problem.source, Path(problem.source).name) for problem in refused.value.problems
    ]


def test_what_is_not_written_has_its_default(load):
    settings = load(OPEN)

    assert settings.mqtt.host == "broker.example.org"
    assert settings.mqtt.authentication is Authentication.NONE
    assert settings.outbox.max_records == 500_000
    assert settings.outbox.when_full is WhenFull.DROP_OLDEST
    assert (settings.uplink.repeat_after_s, settings.uplink.window_batches) == (30.0, 4)
    assert settings.uplink.deflate is Deflate.BATCHES
    assert settings.log.format is LogFormat.KEYVALUE


def test_the_environment_wins_over_the_file_key_by_key(load, monkeypatch):
    monkeypatch.setenv("TSKARO_MQTT__HOST", "10.0.0.2")
    monkeypatch.setenv("TSKARO_UPLINK__DEFLATE", "always")
    monkeypatch.setenv("TSKARO_HEARTBEAT_EVERY_S", "5")

    settings = load(OPEN + "port = 1884\n[uplink]\nbatch_records = 7\n")

    assert (settings.mqtt.host, settings.mqtt.port) == ("10.0.0.2", 1884)
    assert (settings.uplink.deflate, settings.uplink.batch_records) == (Deflate.ALWAYS, 7)
    assert settings.heartbeat_every_s == 5.0


def test_a_deeper_key_is_reached_from_the_environment(load, monkeypatch):
    monkeypatch.setenv("TSKARO_MQTT__TLS__CA", "/elsewhere/ca.pem")

    assert load(OPEN).mqtt.tls.ca == Path("/elsewhere/ca.pem")


def test_what_is_built_directly_does_not_look_at_the_environment(monkeypatch):
    monkeypatch.setenv("TSKARO_MQTT__HOST", "10.0.0.2")

    settings = EdgeSettings(mqtt=Mqtt(host="localhost", authentication=Authentication.NONE))

    assert settings.mqtt.host == "localhost"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (OPEN + "hosst = 'x'", "mqtt.hosst", "unknown key; did you mean `host`?"),
        ("log_ = 3\n" + OPEN, "log_", "unknown key; did you mean `log`?"),
        (OPEN + "[uplnk]", "uplnk", "unknown key; did you mean `uplink`?"),
        ("", "mqtt", "is required"),
        (OPEN + "port = 0", "mqtt.port", "should be greater than or equal to 1"),
        (OPEN + "[uplink]\ndeflate = 1", "uplink.deflate", "should be 'never', 'batches' or 'always'"),
        (
            OPEN + "[mqtt.tls]\nca = 'c'\nkey = 'k'",
            "mqtt.tls.certificate",
            "certificate and key are given together or not at all",
        ),
        (
            "[mqtt]\nhost = 'h'",
            "mqtt.tls",
            'is required by authentication = "certificate", with ca, certificate and key',
        ),
        (
            "[mqtt]\nhost = 'h'\n[mqtt.tls]\nca = 'c'",
            "mqtt.tls.certificate",
            'is required by authentication = "certificate", and so is tls.key',
        ),
    ],
)
def test_it_is_refused_with_file_key_and_reason(load, text, key, reason):
    assert refusal(load, text) == [f"edge.toml: {key}: {reason}"]


def test_a_misspelt_variable_of_a_section_is_refused_with_the_nearest(load, monkeypatch):
    monkeypatch.setenv("TSKARO_MQTT__HOSST", "x")

    assert refusal(load, OPEN) == [
        "TSKARO_MQTT__HOSST: there is no such setting; did you mean `TSKARO_MQTT__HOST`?"
    ]


@pytest.mark.parametrize(
    "name", ["TSKARO_MQTT_HOST", "TSKARO_HEARTBEAT_EVERY", "TSKARO_UPLINK__DEFLATE__X", "tskaro_zzz"]
)
def test_a_variable_that_nobody_would_read_is_refused(load, monkeypatch, name):
    monkeypatch.setenv(name, "x")

    (line,) = refusal(load, OPEN)
    assert line.startswith(f"{name}: there is no such setting")


def test_other_peoples_variables_are_none_of_our_business(load, monkeypatch):
    monkeypatch.setenv("TSKAROS_HOST", "x")
    monkeypatch.setenv("MQTT__HOST", "x")

    assert load(OPEN).mqtt.host == "broker.example.org"


def test_a_bad_value_from_the_environment_names_the_variable_and_not_the_file(load, monkeypatch):
    monkeypatch.setenv("TSKARO_MQTT__PORT", "eighty")

    (line,) = refusal(load, OPEN)
    assert line.startswith("TSKARO_MQTT__PORT: mqtt.port: should be a valid integer")


def test_a_password_comes_from_its_file_and_is_not_shown(load):
    settings = load(WITH_PASSWORD, tskaro_mqtt_password="water-42\n")

    assert settings.mqtt.password.get_secret_value() == "water-42"
    assert "water-42" not in repr(settings)


def test_a_password_from_the_environment_wins_over_its_file(load, monkeypatch):
    monkeypatch.setenv("TSKARO_MQTT__PASSWORD", "from-the-environment")

    settings = load(WITH_PASSWORD, tskaro_mqtt_password="from-the-file")

    assert settings.mqtt.password.get_secret_value() == "from-the-environment"


def test_systemds_credentials_are_read_without_being_told(tmp_path, monkeypatch):
    (tmp_path / "tskaro_mqtt_password").write_text("water-42")
    (tmp_path / "edge.toml").write_text(WITH_PASSWORD)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load_settings(tmp_path / "edge.toml").mqtt.password.get_secret_value() == "water-42"


@pytest.mark.parametrize("secrets", [{}, {"tskaro_mqtt_password": "\n"}, {"mqtt_password": "water-42"}])
def test_a_missing_password_is_refused_with_where_to_put_it(load, secrets):
    (line,) = refusal(load, WITH_PASSWORD, **secrets)

    assert line.startswith('edge.toml: mqtt.password: is required by authentication = "password"')
    assert "tskaro_mqtt_password" in line
    assert "TSKARO_MQTT__PASSWORD" in line


def test_a_password_in_the_open_is_refused_and_not_repeated(load):
    (line,) = refusal(load, WITH_PASSWORD + 'password = "water-42"\n')

    assert (
        line
        == "edge.toml: mqtt.password: a secret does not belong here; put it into a file tskaro_mqtt_password"
    )


def test_a_missing_user_name_is_refused(load):
    lines = refusal(load, '[mqtt]\nhost = "h"\nauthentication = "password"\n', tskaro_mqtt_password="x")

    assert lines == ['edge.toml: mqtt.username: is required by authentication = "password"']


def test_a_folder_of_secrets_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "edge.toml").write_text(OPEN)

    with pytest.raises(ConfigRefused, match="secrets: no such folder of secrets"):
        load_settings(tmp_path / "edge.toml", secrets_dir=tmp_path / "secrets")


def test_a_secret_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "edge.toml").write_text(OPEN)
    (tmp_path / "tskaro_mqtt_password").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigRefused, match="tskaro_mqtt_password: cannot be read"):
        load_settings(tmp_path / "edge.toml", secrets_dir=tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"edge\.toml: no such file"):
        load_settings(tmp_path / "edge.toml")


def test_settings_cannot_be_changed_afterwards(load):
    settings = load(OPEN)

    with pytest.raises(ValueError, match="frozen"):
        settings.mqtt.host = "x"
    with pytest.raises(ValueError, match="frozen"):
        settings.heartbeat_every_s = 1.0


def test_variables_and_secret_files_are_named_by_one_rule():
    assert variable_of("mqtt", "tls", "ca") == "TSKARO_MQTT__TLS__CA"
    assert secret_file_of("mqtt", "password") == "tskaro_mqtt_password"


def uncommented(text):
    """The sample with every default written out."""
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_the_sample_can_be_used_and_shows_the_defaults(load):
    sample = SAMPLE.read_text(encoding="utf-8")

    settings = load(sample)

    assert uncommented(sample) != sample
    assert load(uncommented(sample)) == settings
    assert settings.mqtt.authentication is Authentication.CERTIFICATE


def test_the_sample_documents_every_key_but_the_password_and_no_other():
    table, documented = "", set()
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if opened := re.fullmatch(r"\[(.+)\]", line):
            table = opened.group(1) + "."
        elif before.startswith("## ") and not line.startswith("## "):
            documented.add(table + re.match(r"(?:# )?(\w+) = ", line).group(1))

    assert documented == {".".join(keys) for keys, _ in leaves(EdgeSettings)} - {"mqtt.password"}
