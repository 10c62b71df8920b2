"""What a technician's work leaves behind: a certificate, or the check that tells how far one had drifted.

Each is filed once, numbered, and never edited; it travels to the server as it stands in the file. Numbers and not
dates tell which is newer, for a device's clock may begin anywhere.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from firmware_config.errors import Problem
from firmware_config.parts import CalibrationCertificate, Part
from firmware_config.refusal import refuse
from waterquality.parameters import Parameter


class Recheck(Part):
    """One standard measured before and after cleaning: how far the readings since the certificate may be off.

    Attributes:
        certificate: id of the certificate that was checked.
        made_by: the technician.
        from_day: since when the drift may have grown: when the certificate was made, or last checked.
        to_day: the day of the check.
        standard: value of the standard, in the parameter's unit.
        lot: of the standard.
        error_before: what the probe read minus the standard, as it came out of the water.
        error_after: the same after cleaning; what is left is the probe's own and no dirt's.
    """

    certificate: str
    made_by: str = Field(min_length=1)
    from_day: date
    to_day: date
    standard: float
    lot: str
    error_before: float
    error_after: float

    @property
    def drift(self) -> float:
        """What the dirt had added by the end, in the parameter's unit; readings in between are off by 0 to this."""
        return self.error_before - self.error_after


class Filed(Part):
    """One page of the folder.

    Attributes:
        schema_version: of the page's layout; 1.
        number: its place in the folder, from 1.
        device: id of the device.
        parameter: what the probe measures.
        model: name of its datasheet.
        made_ms: when it was filed by the device's clock, milliseconds since 1970, UTC.
        certificate: what it certifies; or
        recheck: what a check found.
    """

    schema_version: Literal[1] = 1
    number: Annotated[int, Field(ge=1)]
    device: str
    parameter: Parameter
    model: str
    made_ms: int
    certificate: CalibrationCertificate | None = None
    recheck: Recheck | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.certificate is None) == (self.recheck is None):
            refuse([Problem("certificate", "a page holds either a certificate or a recheck")])
        return self

    def as_json(self) -> str:
        """The page as it is kept and as it travels."""
        return self.model_dump_json(exclude_none=True)
