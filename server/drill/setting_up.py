"""What a drill needs in the registry: made once, made again without harm."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from alerts.rules import Role
from server.database.engine import Database
from server.database.models import Device
from server.registry.consent import consent_of, give_consent
from server.registry.people import NewPerson, add_person
from server.registry.reserved import DRILL_DEVICE, DRILL_PERSON, DRILL_POINT
from server.registry.telephone import read_telephone
from server.registry.writing import NewWaterPoint, add_municipality, add_water_point, deploy, set_probes
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_WORDING = "the operator's own telephone, for the drill"
_NAMES = {Language.EN: "Drill"}
_BEFORE = timedelta(minutes=5)  # a drill that is run at once has its readings taken before
_PROBE = "analog-nephelometer"


def set_up(database: Database, phone: str, now: datetime) -> None:
    """Register the drill's device, water point and person, or change the person's telephone.

    Args:
        database: of the registry.
        phone: who gets the drill's texts.
        now: of the consent, and from when the device stands there.

    Raises:
        ConfigError: the telephone is none; mended by the operator.
        DatabaseUnavailable: nothing was registered; mended by time.
    """
    number = read_telephone(phone).number
    with database.writing() as connection:
        add_municipality(connection, DRILL_POINT, _NAMES)
        point = NewWaterPoint(
            id=DRILL_POINT, municipality=DRILL_POINT, names=_NAMES, sms_names=_NAMES, lat=0, lon=0
        )
        add_water_point(connection, point)
        _add_device(connection, to_ms(now - _BEFORE))
        person = NewPerson(
            id=DRILL_PERSON,
            name="Drill",
            phone=number,
            language=Language.EN,
            role=Role.TECHNICIAN,
            water_points=(DRILL_POINT,),
        )
        add_person(connection, person)
        _agree(connection, now)


def _agree(connection: Connection, now: datetime) -> None:
    """The operator's word for their own telephone; after an opt-out, setting up again is their newer word."""
    said = consent_of(connection, DRILL_PERSON)
    if said is None or not said.is_given:
        source, now_ms = "drill set-up", to_ms(now)
        give_consent(connection, DRILL_PERSON, wording=_WORDING, at=now, source=source, now_ms=now_ms)


def is_set_up(database: Database) -> bool:
    """Whether the drill's device is registered."""
    with database.reading() as connection:
        return connection.scalar(select(Device.id).where(Device.id == DRILL_DEVICE)) is not None


def _add_device(connection: Connection, now_ms: int) -> None:
    if connection.scalar(select(Device.id).where(Device.id == DRILL_DEVICE)) is None:
        connection.execute(insert(Device).values(id=DRILL_DEVICE, registered_ms=now_ms))
    set_probes(connection, DRILL_DEVICE, {Parameter.TURBIDITY: _PROBE})
    deploy(connection, DRILL_DEVICE, DRILL_POINT, now_ms)
