"""The rows of registry, ledger, custody and quarantine behind the seven water points."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from server.database.models import (
    AlertRow,
    CustodyRow,
    Deployment,
    Device,
    Municipality,
    NotificationRow,
    PhoneMessage,
    Probe,
    QuarantineRow,
    RuleRow,
    TransitionRow,
    WaterPoint,
)
from server.database.people_models import Person
from tests.builders import instant
from waterquality.readings import to_ms

NOW = instant("2026-11-20T12:34:20Z")
EPOCH = "9f1c2a7e"

MUNICIPALITIES = {
    "marneuli": ("მარნეული", "Marneuli", "Մառնեուլի", "Марнеули", "Marneuli"),
    "bolnisi": ("ბოლნისი", "Bolnisi", "Բոլնիսի", "Болниси", "Bolnisi"),
    "dmanisi": ("დმანისი", "Dmanisi", "Դմանիսի", "Дманиси", "Dmanisi"),
    "gardabani": ("გარდაბანი", "Qardabani", "Գարդաբանի", "Гардабани", "Gardabani"),
    "tetritsqaro": ("თეთრიწყარო", "Tetritskaro", "Թեթրի Ծղարո", "Тетри-Цкаро", "Tetritsqaro"),
    "tsalka": ("წალკა", "Tsalka", "Ծալկա", "Цалка", "Tsalka"),
}
# id, municipality, latitude, longitude, names in ka, az, hy, ru, en
POINTS = (
    ("sadakhlo", "marneuli", 41.2402, 44.7891, "სადახლო", "Sadaxlı", "Սադախլո", "Садахло", "Sadakhlo"),
    ("kazreti", "bolnisi", 41.3816, 44.4197, "კაზრეთი", "Kazreti", "Կազրեթի", "Казрети", "Kazreti"),
    (
        "orozmani",
        "dmanisi",
        41.2984,
        44.1814,
        "ზემო ოროზმანი",
        "Zemo Orozmani",
        "Զեմո Օրոզմանի",
        "Земо-Орозмани",
        "Zemo Orozmani",
    ),
    ("martkopi", "gardabani", 41.7873, 45.0230, "მარტყოფი", "Martkopi", "Մարտկոփի", "Марткопи", "Martkopi"),
    ("manglisi", "tetritsqaro", 41.6970, 44.3845, "მანგლისი", "Manqlisi", "Մանգլիսի", "Манглиси", "Manglisi"),
    ("nardevani", "tsalka", 41.5797, 43.8961, "ნარდევანი", "Nardevani", "Նարդևան", "Нардевани", "Nardevani"),
    ("talaveri", "bolnisi", 41.3728, 44.6389, "ტალავერი", "Faxralı", "Տալավերի", "Талавери", "Talaveri"),
)
PEOPLE = (
    ("cso", "Aygün Məmmədova", "+995555000001", "az", "cso"),
    ("town", "Nino Kapanadze", "+995555000002", "ka", "municipality"),
    ("tech", "Giorgi Lomidze", "+995555000003", "ka", "technician"),
    ("hall", "Հասմիկ Պետրոսյան", "+995555000004", "hy", "cso"),
)
RULES = {
    "turbidity-who-4": {
        "kind": "limit",
        "id": "turbidity-who-4",
        "limit": {"parameter": "turbidity", "high": 4.0, "authority": "who-2017"},
        "confirm_after_s": 180,
        "clear_after_s": 900,
        "deadband": 0.5,
        "severity": "critical",
    },
    "ph-ge-58": {
        "kind": "limit",
        "id": "ph-ge-58",
        "limit": {
            "parameter": "ph",
            "low": 6.0,
            "high": 9.0,
            "authority": "ge-58-2014",
            "verified_by": "N. Kapanadze",
            "verified_on": "2026-10-01",
        },
        "confirm_after_s": 300,
        "clear_after_s": 900,
        "deadband": 0.1,
    },
    "silence": {"kind": "no_data", "id": "silence", "after_s": 1800},
}
TEXTS = {
    "az": "Sadaxlı: bulanıqlıq 12.4>4 NTU. Suyu yoxlayın.",
    "ka": "სადახლო: სიმღვრივე 12.4>4 NTU. შეამოწმეთ წყალი.",
    "hy": "Սադախլո. պղտորություն 12.4>4 NTU։ Ստուգեք ջուրը։",
}


def registry_rows() -> dict[Any, list[dict[str, Any]]]:
    deployed = to_ms(NOW - timedelta(days=40))
    heard = to_ms(NOW - timedelta(seconds=40))
    devices, deployments, probes = [], [], []
    for number, (name, *_) in enumerate(POINTS, start=1):
        device, is_silent = f"kk-{number:04}", name == "orozmani"
        status = heard - 3 * 3_600_000 if is_silent else heard
        devices.append(
            {
                "id": device,
                "registered_ms": deployed,
                "is_online": not is_silent,
                "status_ms": status,
                "health": {},
                "health_ms": status,
            }
        )
        deployments.append(
            {"device_id": device, "water_point_id": name, "since_ms": deployed, "until_ms": None}
        )
        turbidity = "sen0189" if is_silent else "analog-nephelometer"
        models = {"turbidity": turbidity, "ph": "sen0161-v2", "flow": "yf-s201"}
        probes += [
            {"device_id": device, "parameter": parameter, "model": model}
            for parameter, model in models.items()
        ]
    return {
        Municipality: [{"id": name, "names": _names(names)} for name, names in MUNICIPALITIES.items()],
        WaterPoint: [
            {
                "id": name,
                "municipality_id": town,
                "names": _names(names),
                "sms_names": _names(names),
                "lat": lat,
                "lon": lon,
            }
            for name, town, lat, lon, *names in POINTS
        ],
        Device: devices,
        Deployment: deployments,
        Probe: probes,
        Person: [
            dict(zip(("id", "name", "phone", "language", "role"), person, strict=True)) for person in PEOPLE
        ],
        RuleRow: [{"id": name, "spec": spec} for name, spec in RULES.items()],
    }


def _names(names: Iterable[str]) -> dict[str, str]:
    return dict(zip(("ka", "az", "hy", "ru", "en"), names, strict=True))


def ago(minutes: float) -> int:
    """So many minutes before now, in milliseconds."""
    return to_ms(NOW - timedelta(minutes=minutes))


def alert(rule: str, water_point: str, phase: str, minutes: float, **given: Any) -> dict[str, Any]:
    """A row of the ledger: an alert that has stood in a phase for so many minutes."""
    usual = {
        "lane": "live",
        "judged_ms": ago(0),
        "breached_ms": ago(minutes + 3),
        "peak": None,
        "last_breach_ms": ago(0),
        "beyond": 0.0,
        "episode": 1,
        "told": True,
    }
    return (
        {"rule_id": rule, "water_point_id": water_point, "phase": phase, "since_ms": ago(minutes)}
        | usual
        | given
    )


def notification(
    rule: str, water_point: str, person: int, fate: str, minutes: float, **given: Any
) -> dict[str, Any]:
    """A row of the ledger: a text owed so many minutes ago, and its fate."""
    who, _, phone, language, _ = PEOPLE[person]
    usual = {
        "lane": "live",
        "episode": 1,
        "kind": "turbidity_high",
        "text": TEXTS[language],
        "breached_ms": ago(minutes),
        "attempts": 1,
        "due_ms": None,
        "handed_ms": ago(minutes - 0.1),
        "settled_ms": ago(minutes - 0.2),
        "message_id": "",
        "detail": "",
    }
    named = {
        "rule_id": rule,
        "water_point_id": water_point,
        "person_id": who,
        "address": phone,
        "language": language,
    }
    return named | {"owed_ms": ago(minutes), "fate": fate} | usual | given


def ledger_rows() -> dict[Any, list[dict[str, Any]]]:
    turbidity = "turbidity-who-4"
    lifted = {"rule_id": turbidity, "water_point_id": "talaveri", "lane": "live", "episode": 1, "reason": ""}
    return {
        AlertRow: [
            alert(turbidity, "sadakhlo", "firing", 62, peak=12.9),
            alert("ph-ge-58", "kazreti", "pending", 3, told=False, episode=0),
            alert("silence", "orozmani", "firing", 150, peak=1801.0),
            alert(turbidity, "martkopi", "unknown", 198, peak=30.0),
            alert(turbidity, "talaveri", "recovering", 8, peak=7.1, episode=2),
            alert("ph-ge-58", "manglisi", "firing", 700, lane="late", told=False, peak=9.4),
        ],
        TransitionRow: [
            lifted | {"before": "pending", "after": "firing", "at_ms": ago(3000), "value": 5.2},
            lifted | {"before": "recovering", "after": "resolved", "at_ms": ago(2900), "value": 6.8},
        ],
        NotificationRow: [
            notification(turbidity, "sadakhlo", 0, "delivered", 62),
            notification(turbidity, "sadakhlo", 1, "accepted", 62, settled_ms=None),
            notification(turbidity, "sadakhlo", 3, "failed", 62, detail="number not in service"),
            notification(turbidity, "talaveri", 1, "unknown", 3000),
            notification(
                "silence", "orozmani", 2, "queued", 150, kind="device_silent", handed_ms=None, settled_ms=None
            ),
        ],
        PhoneMessage: [
            {
                "reference": f"n-{number}",
                "address": PEOPLE[number][2],
                "body": TEXTS[PEOPLE[number][3]],
                "at_ms": ago(62),
            }
            for number in (0, 1, 3)
        ],
        CustodyRow: [
            {
                "device_id": f"kk-{number:04}",
                "epoch": EPOCH,
                "stored": [[1, 48_100 + number]],
                "quarantined": [[48_200, 48_202]] if number == 1 else [],
                "gaps": [],
                "missing": [[48_210, 48_211]] if number == 3 else [],
                "noted": [[48_203, 48_203]],
                "held": 48_000,
                "updated_ms": ago(0.5),
            }
            for number in range(1, 8)
        ],
        QuarantineRow: [
            {
                "device_id": "kk-0001",
                "epoch": EPOCH,
                "first": 48_200,
                "last": 48_202,
                "topic": f"tskaro/1/0/kk-0001/readings/{EPOCH}/48200-48202",
                "reason": "not_json",
                "detail": "line 1 column 18: expecting a value <b>",
                "payload": b"[{",
                "payload_bytes": 2,
                "received_ms": ago(40),
                "times": 3,
            }
        ],
    }
