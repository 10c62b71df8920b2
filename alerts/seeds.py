"""The rules that ship with us, for a new server to start with."""

import tomllib
from importlib import resources

from alerts.specs import AnySpec, RuleBook


def shipped_rules() -> tuple[AnySpec, ...]:
    """The rules of `alerts/rules.toml`."""
    text = resources.files("alerts").joinpath("rules.toml").read_text(encoding="utf-8")
    return RuleBook.model_validate(tomllib.loads(text)).rule
