"""A folder of readings: gzipped CSV files and `datapackage.json`, which describes them (Frictionless data package).

    datapackage.json            what is here: files, columns, flags, licence, counts, checksums; written last
    schema.json                 the columns
    readings/2026-11/<water point>.<8 digits>.csv.gz
    hours.json                  the columns of hours; where the store had forgotten anything
    hours/<water point>.<8 digits>.csv.gz

Invariants: a folder without `datapackage.json` is unfinished, and whoever reads it says so. The name of a file
holds part of its own checksum, and the same rows give the same bytes: so a package that is written again over an
older one disturbs nothing of that until the new description takes the place of the old.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firmware_config.whole_file import replace_file
from server.store.archive.columns import fields
from server.store.archive.hour_columns import hour_fields
from server.store.rollup import DAY_MS
from waterquality.errors import ConfigError
from waterquality.flags import Flag, Why

DESCRIPTION, SCHEMA, FOLDER = "datapackage.json", "schema.json", "readings"
HOURS_SCHEMA, HOURS_FOLDER = "hours.json", "hours"
FORMAT = 2  # 1 had no hours
NO_LICENCE = "not-stated"
_LONGEST_NAME = 150
_SAFE = re.compile(rb"[^a-z0-9_-]")


class PackageBroken(ConfigError):
    """A folder is no whole package of readings; the message says where; mended by the operator."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Facts(_Part):
    """What we say of one file beyond what every data package says.

    Attributes:
        water_point: whose readings they are.
        month: in which they were taken, `2026-11`, UTC.
        rows: how many.
        checksum: of all of them, whatever their order.
        days: (rows, checksum) by device and date.
    """

    water_point: str
    month: str
    rows: int = Field(ge=0)
    checksum: str
    days: Mapping[str, Mapping[str, tuple[int, str]]]


class _File(_Part):
    """One file.

    Attributes:
        name: of the resource.
        path: within the folder.
        size: bytes.
        hash: `sha256:` and hex digits.
    """

    name: str
    path: str
    size: int = Field(alias="bytes", ge=0)
    hash: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class Resource(_File):
    """A file of readings.

    Attributes:
        facts: what else there is to say.
    """

    path: str = Field(pattern=r"^readings/\d{4}-\d{2}/[a-z0-9_.%-]+$")
    facts: Facts = Field(alias="tskaro")


class HourFacts(_Part):
    """What we say of a file of hours.

    Attributes:
        water_point: where.
        hours: how many, of all parameters.
        checksum: of all of them, whatever their order.
    """

    water_point: str
    hours: int = Field(ge=0)
    checksum: str


class HourResource(_File):
    """A file of what hours came to whose readings are deleted; as `Resource`."""

    path: str = Field(pattern=r"^hours/[a-z0-9_.%-]+$")
    facts: HourFacts = Field(alias="tskaro")


class Whole(_Part):
    """What we say of the package.

    Attributes:
        format: of this kind of package.
        is_whole: whether all that the store held is here; False when somebody chose.
        rows: how many.
        checksum: of all of them, whatever their order.
        store: `sqlite` or `influxdb`: where they come from.
        forgotten_ms: readings before it had been deleted there, and hours are here; start of a day; 0 for none.
    """

    format: int = Field(le=FORMAT, ge=1)
    is_whole: bool
    rows: int
    checksum: str
    store: str
    forgotten_ms: int = Field(default=0, ge=0, multiple_of=DAY_MS)


class Package(_Part):
    """The description of a folder."""

    created: datetime
    resources: Sequence[Resource | HourResource]
    whole: Whole = Field(alias="tskaro")

    @property
    def readings(self) -> list[Resource]:
        """The files of readings."""
        return [one for one in self.resources if isinstance(one, Resource)]

    @property
    def hours(self) -> list[HourResource]:
        """The files of hours."""
        return [one for one in self.resources if isinstance(one, HourResource)]

    def by_month(self) -> list[tuple[str, list[Resource]]]:
        """The files month by month, each month's in order of their water points: the order of a walk."""
        ordered = sorted(self.readings, key=lambda one: (one.facts.month, one.facts.water_point))
        return [(month, list(files)) for month, files in groupby(ordered, key=lambda one: one.facts.month)]


def read_package(folder: Path) -> Package:
    """The description of a folder.

    Raises:
        PackageBroken: there is none, or it is none of ours; mended by the operator.
    """
    path = folder / DESCRIPTION
    try:
        return Package.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        began = (folder / FOLDER).exists()
        said = "it was never finished: make it again" if began else "this is no folder of readings"
        raise PackageBroken(f"{path} is missing: {said}") from None
    except OSError as error:
        raise PackageBroken(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PackageBroken(f"{path}: {where or 'the file'}: {first['msg']}") from error


def write_description(folder: Path, package: Package, *, licence: str, title: str) -> None:
    """Finish a folder: from here on it is a package."""
    schemas = {
        SCHEMA: _schema(fields(), "water_point", "taken_ms", "device"),
        HOURS_SCHEMA: _schema(hour_fields(), "water_point", "parameter", "start_ms"),
    }
    described = {
        "profile": "data-package",
        "name": "tskaro-readings",
        "title": title,
        "created": package.created.isoformat().replace("+00:00", "Z"),
        "licenses": [{"name": licence or NO_LICENCE}],
        "flags": {str(flag.value): flag.name for flag in Flag},
        "reasons": [why.value for why in Why if why.value],
        "tskaro": package.whole.model_dump(),
        "resources": [_described(resource) for resource in package.resources],
    }
    for name, content in (*schemas.items(), (DESCRIPTION, described)):
        replace_file(folder / name, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def sweep(folder: Path, package: Package) -> None:
    """Remove files of readings that the package does not name: those of an older one, or of one never finished."""
    named = {folder / resource.path for resource in package.resources}
    for path in (*(folder / FOLDER).glob("*/*"), *(folder / HOURS_FOLDER).glob("*")):
        if path not in named:
            path.unlink()
    for month in (folder / FOLDER).iterdir():
        if not any(month.iterdir()):
            month.rmdir()


def file_name(water_point: str) -> str:
    """A name for a file of this water point's, on any file system: other bytes than plain ones as %xx."""
    name = _SAFE.sub(lambda byte: f"%{byte[0][0]:02x}".encode(), water_point.encode()).decode()
    return name if len(name) <= _LONGEST_NAME else hashlib.sha256(water_point.encode()).hexdigest()


def _schema(columns: Iterable[dict[str, Any]], *key: str) -> dict[str, Any]:
    return {"fields": list(columns), "primaryKey": list(key), "missingValues": [""]}


def _described(resource: Resource | HourResource) -> dict[str, object]:
    return {
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "compression": "gz",
        "schema": SCHEMA if isinstance(resource, Resource) else HOURS_SCHEMA,
        "dialect": {"header": True, "delimiter": ",", "lineTerminator": "\r\n"},
    } | resource.model_dump(by_alias=True)
