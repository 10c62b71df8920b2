import re
import unicodedata

import pytest

from alerts.rules import Role
from demo.curves import calibration_points, pulses_per_litre
from demo.villages import SMS_NAME_CHARS, Source, municipalities, parse_cast, people, the_cast, villages
from firmware_config.datasheet import VoltageSignal, load
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.limits import Method
from waterquality.parameters import Parameter
from waterquality.readings import DEVICE_ID

EVERY_MUNICIPALITY = {"marneuli", "bolnisi", "dmanisi", "gardabani", "tetritsqaro", "tsalka", "rustavi"}
SCRIPTS = {
    Language.KA: "GEORGIAN",
    Language.HY: "ARMENIAN",
    Language.RU: "CYRILLIC",
    Language.AZ: "LATIN",
    Language.EN: "LATIN",
}
ONE_PLACE = """
[[municipalities]]
id = "tsalka"
names = { ka = "a", az = "a", hy = "a", ru = "a", en = "a" }

[[villages]]
device = "kk-0001"
water_point = "tsalka-spring"
municipality = "tsalka"
lat = 41.5
lon = 44.0
source = "spring"
supply_hours = [[6, 10], [18, 22]]
pipe_dn_mm = 50
demand_l_per_min = 70.0
turbidity_ntu = 0.8
ph = 7.1
temperature_c = 7.5
probes = { flow = "pulse-meter" }
names = { ka = "a", az = "a", hy = "a", ru = "a", en = "a" }
sms_names = { ka = "b", az = "b", hy = "b", ru = "b", en = "b" }

[[people]]
id = "anahit"
name = "Anahit"
phone = "+995555000001"
language = "hy"
role = "cso"
municipalities = ["tsalka"]
"""


def test_every_municipality_has_one_village():
    assert {municipality.id for municipality in municipalities()} == EVERY_MUNICIPALITY
    assert sorted(village.municipality for village in villages()) == sorted(EVERY_MUNICIPALITY)


def test_devices_and_water_points_have_ids_of_the_right_form():
    assert [village.device for village in villages()] == [f"kk-000{number}" for number in range(1, 8)]
    assert all(DEVICE_ID.fullmatch(village.device) for village in villages())
    assert all(re.fullmatch(r"[a-z0-9-]{3,60}", village.water_point) for village in villages())


def test_every_village_lies_in_the_region():
    assert all(41.1 < village.lat < 41.95 and 43.7 < village.lon < 45.6 for village in villages())


@pytest.mark.parametrize("language", Language)
def test_every_name_is_written_in_the_letters_of_its_language(language):
    places = [*municipalities(), *villages()]
    names = [place.names[language] for place in places] + [v.sms_names[language] for v in villages()]

    letters = {letter for name in names for letter in name if letter.isalpha()}

    assert all(unicodedata.name(letter).startswith(SCRIPTS[language]) for letter in letters)


def test_english_short_names_keep_a_text_in_the_small_alphabet():
    assert all(village.sms_names[Language.EN].isascii() for village in villages())


def test_short_names_leave_room_for_the_text():
    assert max(len(name) for village in villages() for name in village.sms_names.values()) <= SMS_NAME_CHARS


def test_every_municipality_has_a_cso_and_the_technician_hears_of_all():
    heard = {role: set() for role in Role}
    for person in people():
        heard[person.role] |= set(person.municipalities)

    assert heard[Role.CSO] == EVERY_MUNICIPALITY
    assert heard[Role.TECHNICIAN] == EVERY_MUNICIPALITY


def test_texts_go_out_in_every_language():
    assert {person.language for person in people()} == set(Language)


def test_telephone_numbers_are_invented_ones():
    assert all(re.fullmatch(r"\+9955550000\d\d", person.phone) for person in people())


def test_every_probe_has_a_datasheet_and_a_curve_or_a_factor():
    for village in villages():
        for parameter, model in village.probes.items():
            sheet = load(model)
            assert sheet.parameter is parameter
            if isinstance(sheet.signal, VoltageSignal):
                assert len(calibration_points(model)) >= 2
            else:
                low, high = sheet.signal.pulses_per_litre
                assert low <= pulses_per_litre(model) <= high


def test_the_greatest_flow_is_within_what_the_meter_can_show():
    for village in villages():
        assert village.demand_l_per_min * 2.2 < load(village.probes[Parameter.FLOW]).span[1]


def test_one_or_two_places_have_an_indicative_probe_and_the_others_can_evidence_a_limit():
    methods = [load(village.probes[Parameter.TURBIDITY]).method for village in villages()]

    assert 1 <= methods.count(Method.INDICATIVE) <= 2
    assert methods.count(Method.NEPHELOMETRIC) >= 5


def test_every_kind_of_source_occurs_and_some_places_have_water_for_hours_only():
    assert {village.source for village in villages()} == set(Source)
    assert 1 <= sum(not village.has_water_all_day for village in villages()) <= 3


def test_the_cast_is_read_once():
    assert the_cast() is the_cast()


def test_a_small_cast_is_read_as_written():
    cast = parse_cast(ONE_PLACE)

    assert cast.villages[0].supply_hours == ((6, 10), (18, 22))
    assert cast.people[0].language is Language.HY


@pytest.mark.parametrize(
    ("written", "instead", "complaint"),
    [
        pytest.param("lat = 41.5", "lat = ", "villages.toml", id="no TOML"),
        pytest.param("lat = 41.5", "lattitude = 41.5", "lattitude", id="a misspelt key"),
        pytest.param('language = "hy"', 'language = "xx"', "language", id="an unknown language"),
        pytest.param(
            'municipalities = ["tsalka"]', 'municipalities = ["zalka"]', "zalka", id="an unknown municipality"
        ),
        pytest.param('hy = "b", ', "", "no name in hy", id="a name left out"),
        pytest.param('hy = "a", ', "", "no name in hy", id="the name of a municipality left out"),
        pytest.param(
            'en = "b"', 'en = "A very long village"', "longer than 15", id="a short name that is long"
        ),
        pytest.param("[[6, 10], [18, 22]]", "[[6, 10], [9, 22]]", "supply_hours", id="hours that overlap"),
        pytest.param("[[6, 10], [18, 22]]", "[[6, 25]]", "supply_hours", id="an hour after the day"),
        pytest.param("[[6, 10], [18, 22]]", "[]", "supply_hours", id="never any water"),
    ],
)
def test_a_slip_in_the_cast_is_refused_by_name(written, instead, complaint):
    text = ONE_PLACE.replace(written, instead)
    assert text != ONE_PLACE

    with pytest.raises(ConfigError, match=complaint):
        parse_cast(text)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("villages", "municipality with more than one village 'tsalka'"),
        ("people", "person 'anahit' occurs 2 times"),
    ],
)
def test_nothing_occurs_twice(table, complaint):
    block = next(part for part in ONE_PLACE.split("\n\n") if f"[[{table}]]" in part)

    with pytest.raises(ConfigError, match=complaint):
        parse_cast(f"{ONE_PLACE}\n{block}")
