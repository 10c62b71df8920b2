"""From what pydantic found to what a person can mend: `file: key.path: reason`, one line for each problem.

Is: the one translation, for device configuration, edge settings and server settings alike. A misspelt key is
answered with the nearest one that exists. Is not: a place for rules; those stand beside the models, which
report what they find through `refuse`. No reason repeats the value that was written: it may be a secret.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from firmware_config.errors import ConfigRefused, Problem
from firmware_config.schema import bare, is_model, item, tagged
from waterquality.errors import ConfigError

_FOUND = "config_problems"
_KEY_ITSELF = "[key]"  # how pydantic marks that a key of a table, not its value, is wrong


def read_toml(path: Path | Traversable) -> dict[str, Any]:
    """A TOML file as plain tables.

    Raises:
        ConfigRefused: it is not there, cannot be read or is no TOML; mended by the operator.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigRefused([Problem("", "no such file", str(path))]) from error
    except OSError as error:
        raise ConfigRefused([Problem("", f"cannot be read: {error.strerror}", str(path))]) from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigRefused([Problem("", f"not TOML: {error}", str(path))]) from error


def refuse(problems: Iterable[Problem]) -> None:
    """Called by a validator with all it found; keys are relative to the model that it validates.

    Raises:
        PydanticCustomError: there is at least one; `config_error` unpacks it.
    """
    found = tuple(problems)
    if found:
        reasons = "; ".join(map(str, found))
        raise PydanticCustomError(_FOUND, "{reasons}", {"reasons": reasons, "problems": found})


def config_error(path: Path | str, error: ValidationError, model: type[BaseModel]) -> ConfigError:
    """The refusal of a file, listing every problem that validation found.

    Args:
        path: the file that was read.
        error: what pydantic raised.
        model: what the file was validated as.
    """
    return ConfigRefused(replace(problem, source=str(path)) for problem in problems_in(error, model))


def problems_in(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """Every problem that validation found, with its key path and without a source."""
    for details in error.errors(include_url=False, include_input=False):
        key, _ = _walk(model, details["loc"])
        if details["type"] == _FOUND:
            for problem in details["ctx"]["problems"]:
                yield Problem(".".join(filter(None, (key, problem.key))), problem.reason)
        else:
            yield Problem(key, _reason(details, model))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The tail of a sentence that names the nearest known word; "" when none is near."""
    nearest = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{nearest[0]}`?" if nearest else ""


def _reason(details: ErrorDetails, model: type[BaseModel]) -> str:
    if details["type"] == "missing":
        return "is required"
    if details["type"] == "extra_forbidden":
        *parents, last = details["loc"]
        return f"unknown key{did_you_mean(str(last), _keys(_walk(model, parents)[1]))}"
    return details["msg"].removeprefix("Input ").removeprefix("Value error, ")


def _walk(annotation: Any, loc: Sequence[int | str]) -> tuple[str, Any]:
    """The key path as it stands in the file, and what may stand there."""
    key, here = "", annotation
    for part in loc:
        alternative = tagged(here, part)
        if alternative is not None:  # such a name stands in no file
            here = alternative
        elif part != _KEY_ITSELF:
            key += f"[{part}]" if isinstance(part, int) else f".{part}"
            here = _inside(bare(here), part)
    return key.removeprefix("."), here


def _inside(annotation: Any, part: int | str) -> Any:
    if not is_model(annotation):
        return item(annotation)
    field = annotation.model_fields.get(part)
    return field.annotation if field else None


def _keys(annotation: Any) -> tuple[str, ...]:
    table = bare(annotation)
    return tuple(table.model_fields) if is_model(table) else ()
