"""The limits that results are judged by where nobody names another: `lab_limits.toml`, each with its authority.

Iron, manganese and zinc have none here: whoever writes such a result down names the limit and whose it is.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, TypeAdapter

from alerts.advisories.lab import LabLimit, LabParameter


class ShippedLimit(BaseModel):
    """A limit as it ships, with where it is written and who has confirmed it ("" while nobody has)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    low: float | None = None
    high: float | None = None
    authority: str
    source: str
    verified_by: str

    def to_limit(self) -> LabLimit:
        """The limit itself."""
        return LabLimit(self.low, self.high, self.authority)


_ADAPTER: TypeAdapter[dict[LabParameter, ShippedLimit]] = TypeAdapter(dict[LabParameter, ShippedLimit])


@cache
def shipped_limits() -> Mapping[LabParameter, ShippedLimit]:
    """The limits that ship, by parameter."""
    text = files("alerts.advisories").joinpath("lab_limits.toml").read_text(encoding="utf-8")
    return _ADAPTER.validate_python(tomllib.loads(text))
