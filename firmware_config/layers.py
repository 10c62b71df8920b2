"""Settings in layers, for the device's agent and the server alike; the upper layer wins, key by key.

From the top: the environment (`TSKARO_MQTT__HOST`), secret files (`tskaro_mqtt_password`), the TOML file, the
defaults of the model. Invariants: a key or a `TSKARO_` variable that nobody reads is refused, not ignored; a
secret never stands in the TOML file; what is built directly reads neither files nor the environment.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from firmware_config.errors import ConfigRefused, Problem
from firmware_config.refusal import did_you_mean, problems_in, read_toml
from firmware_config.schema import leaves

_PREFIX = "TSKARO_"
_BETWEEN = "__"


class LayeredSettings(BaseSettings):
    """The root of a process's settings; its sections are plain frozen models."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=_PREFIX, env_nested_delimiter=_BETWEEN
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the names are pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given counts, and nothing else; `load_layered` puts the layers together."""
        return (init_settings,)


Settings = TypeVar("Settings", bound=LayeredSettings)


def variable_of(*keys: str) -> str:
    """The environment variable that sets a key, e.g. `TSKARO_MQTT__HOST`."""
    return _PREFIX + _BETWEEN.join(keys).upper()


def secret_file_of(*keys: str) -> str:
    """The name of the file that holds a secret, e.g. `tskaro_mqtt_password`."""
    return "_".join((_PREFIX.rstrip("_"), *keys)).lower()


def load_layered(model: type[Settings], path: Path, *, secrets_dir: Path | None = None) -> Settings:
    """Read settings from all layers.

    Args:
        model: what they are.
        path: the TOML file.
        secrets_dir: folder of secret files; None is systemd's `$CREDENTIALS_DIRECTORY`, if there is one.

    Raises:
        ConfigRefused: with every problem as `file or variable: key: reason`; mended by the operator.
    """
    table = read_toml(path)
    found = [*_secrets_in_the_open(model, table, path), *_strays(model)]
    if found:
        raise ConfigRefused(found)
    try:
        return model.model_validate(_merged(table, _secrets(model, secrets_dir), _variables(model)))
    except ValidationError as error:
        raise ConfigRefused(_located(problem, path) for problem in problems_in(error, model)) from error


def handed_over(path: Path) -> Path:
    """The copy of a file that systemd handed over under its name (`LoadCredential=`), else the file itself.

    So one path does for the agent, which may not read a key of root's, and for a person who may.
    """
    folder = _credentials()
    copy = folder / path.name if folder else path
    return copy if copy.is_file() else path


def _merged(*layers: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            both_tables = isinstance(below, dict) and isinstance(value, dict)
            merged[key] = _merged(below, value) if both_tables else value  # type: ignore[arg-type]
    return merged


def _variables(model: type[Settings]) -> dict[str, Any]:
    try:
        return EnvSettingsSource(model)()
    except SettingsError as error:
        raise ConfigRefused([Problem("", str(error), "environment")]) from error


def _strays(model: type[Settings]) -> Iterator[Problem]:
    """Variables that look like settings and are none; pydantic would pass over them."""
    known = [variable_of(*keys) for keys, _ in leaves(model)]
    for name in os.environ:
        if name.upper().startswith(_PREFIX) and name.upper() not in known:
            yield Problem("", f"there is no such setting{did_you_mean(name.upper(), known)}", name)


def _secret_keys(model: type[Settings]) -> Iterator[tuple[str, ...]]:
    return (keys for keys, kind in leaves(model) if kind is SecretStr)


def _secrets_in_the_open(model: type[Settings], table: dict[str, Any], path: Path) -> Iterator[Problem]:
    for keys in _secret_keys(model):
        here: Any = table
        for key in keys:
            here = here.get(key) if isinstance(here, dict) else None
        if here is not None:
            reason = f"a secret does not belong here; put it into a file {secret_file_of(*keys)}"
            yield Problem(".".join(keys), reason, str(path))


def _secrets(model: type[Settings], folder: Path | None) -> dict[str, Any]:
    folder = folder or _credentials()
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ConfigRefused([Problem("", "no such folder of secrets", str(folder))])
    found: dict[str, Any] = {}
    for keys in _secret_keys(model):
        secret = _read_secret(folder / secret_file_of(*keys))
        if secret is not None:
            found = _merged(found, _nested(keys, secret))
    return found


def _credentials() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None


def _read_secret(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused([Problem("", f"cannot be read: {error}", str(file))]) from error


def _nested(keys: tuple[str, ...], value: object) -> dict[str, Any]:
    first, *rest = keys
    return {first: _nested(tuple(rest), value) if rest else value}


def _located(problem: Problem, path: Path) -> Problem:
    variable = variable_of(*problem.key.split("."))
    was_set = variable in {name.upper() for name in os.environ}
    return replace(problem, source=variable if was_set else str(path))
