"""What `tskaro people add` and `edit` can be told of somebody, and how a registry file would have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from alerts.rules import Role, Severity
from waterquality.errors import ConfigError
from waterquality.languages import Language

_ALWAYS, _NONE = "all", "none"
Name = Annotated[str, typer.Option("--name", help="For those who keep the list.")]
Phone = Annotated[str, typer.Option("--phone", help="A mobile number, as Georgians write it or with +.")]
Lang = Annotated[Language, typer.Option("--language", help="What they read.")]
RoleOf = Annotated[Role, typer.Option("--role", help="Who they are.")]
WaterPoints = Annotated[
    list[str] | None, typer.Option("--water-point", metavar="ID", help="They hear of it; once for each.")
]
Municipalities = Annotated[
    list[str] | None,
    typer.Option("--municipality", metavar="ID", help="They hear of all in it; once for each."),
]
Tier = Annotated[int | None, typer.Option("--tier", help="When their turn comes: 1 (at once), 2 or 3.")]
Quiet = Annotated[
    str | None,
    typer.Option("--quiet", metavar="HH:MM-HH:MM", help="When not to wake them, e.g. 22:00-07:00; or none."),
]
Least = Annotated[
    str | None,
    typer.Option("--least", metavar="SEVERITY", help="The least that they want to hear of; or all."),
]
Latin = Annotated[
    bool | None, typer.Option("--latin/--own-letters", help="Their language in Latin letters, or its own.")
]
Other = Annotated[
    str | None, typer.Option("--other-address", help="An e-mail address or an Apprise URL; or none.")
]


@dataclass(frozen=True, slots=True)
class Given:
    """What was said of somebody; None is what was not."""

    name: str | None
    phone: str | None
    language: Language | None
    role: Role | None
    water_points: Sequence[str] | None
    municipalities: Sequence[str] | None
    tier: int | None
    quiet: str | None
    least: str | None
    latin: bool | None
    other_address: str | None

    def written(self) -> dict[str, Any]:
        """As a registry file would have it.

        Raises:
            ConfigError: the quiet hours are none, or there is no such severity; mended by whoever typed it.
        """
        said: dict[str, Any] = {
            "name": self.name,
            "phone": self.phone,
            "language": self.language,
            "role": self.role,
            "water_points": None if self.water_points is None else tuple(self.water_points),
            "municipalities": None if self.municipalities is None else tuple(self.municipalities),
            "tier": self.tier,
            "latin": self.latin,
        }
        said = {key: value for key, value in said.items() if value is not None}
        if self.quiet is not None:
            said["quiet"] = _quiet(self.quiet)
        if self.least is not None:
            said["least_severity"] = _least(self.least)
        if self.other_address is not None:
            said["other_address"] = "" if self.other_address == _NONE else self.other_address
        return said


def _quiet(text: str) -> dict[str, str] | None:
    if text == _NONE:
        return None
    begin, dash, end = text.partition("-")
    if not dash:
        raise ConfigError(f"--quiet {text}: write it like 22:00-07:00, or none")
    return {"begin": begin.strip(), "end": end.strip()}


def _least(text: str) -> str | None:
    if text == _ALWAYS:
        return None
    if text not in set(Severity):
        raise ConfigError(f"--least {text}: there are {', '.join(Severity)}, or all")
    return text
