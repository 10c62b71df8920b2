"""The cast into the registry: what an administrator would have typed."""

from datetime import datetime

from alerts.seeds import shipped_rules
from demo.villages import Cast
from server.database.engine import Database
from server.registry.consent import take_from_list
from server.registry.people import NewPerson, add_person
from server.registry.writing import (
    NewWaterPoint,
    add_device,
    add_municipality,
    add_water_point,
    deploy,
    seed_rules,
)
from waterquality.readings import to_ms


def register(cast: Cast, database: Database, *, since: datetime) -> None:
    """Register places, devices and people; every device has stood at its water point since an instant."""
    with database.writing() as connection:
        seed_rules(connection, shipped_rules())
        for municipality in cast.municipalities:
            add_municipality(connection, municipality.id, municipality.names)
        for village in cast.villages:
            new = NewWaterPoint(
                id=village.water_point,
                municipality=village.municipality,
                names=village.names,
                sms_names=village.sms_names,
                lat=village.lat,
                lon=village.lon,
            )
            add_water_point(connection, new)
            add_device(connection, village.device, village.probes, to_ms(since))
            deploy(connection, village.device, village.water_point, to_ms(since))
        for person in cast.people:
            add_person(
                connection,
                NewPerson(
                    id=person.id,
                    name=person.name,
                    phone=person.phone,
                    language=person.language,
                    role=person.role,
                    municipalities=person.municipalities,
                ),
            )
            take_from_list(
                connection,
                person.id,
                wording="invented, like the person",
                at=since,
                source="demo",
                now_ms=to_ms(since),
            )
