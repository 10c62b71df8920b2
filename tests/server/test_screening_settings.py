"""What devices and water points are screened by: written in a registry file, refused with the reason, in force."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from firmware_config.datasheet import Datasheet, load
from firmware_config.screening import ParameterTests
from server.database.engine import Database
from server.ingest.screener import Screener
from server.registry.bounds import bounds_of, settled
from server.registry.current import CurrentRegistry
from server.registry.file import load_registry, read_registry_file
from server.registry.screening import OwnTests
from server.registry.snapshot import Registry
from server.store.port import Row
from server.store.sqlite import SqliteReadingStore
from tests.builders import observation
from tests.fakes.world import registry as villages
from waterquality.errors import ConfigError
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Bounds

PLACE = ("algeti", "kk-0001")
OWN = """
[[screening]]
water_point = "algeti"
[screening.turbidity]
unit = "NTU"
usual = [0, 20]
spike = { suspect = 8, fail = 40 }
flat = { suspect_after_hours = 3 }

[[screening]]
device = "kk-0001"
[screening.turbidity]
unit = "NTU"
spike = { suspect = 30 }
rate = { suspect_per_quarter = 90, least = 10 }
[screening.ph]
unit = "pH"
off = ["attenuated", "disturbed_hours"]
"""


def loaded(database: Database, folder: Path, text: str) -> Registry:
    """Two villages, and what is set for them."""
    path = folder / "registry.toml"
    path.write_text(villages({"kk-0001": "algeti", "kk-0002": "kosalari"}) + text, encoding="utf-8")
    load_registry(read_registry_file(path), database, 1000)
    current = CurrentRegistry(database)
    current.refresh()
    return current.registry()


def turbidity(registry: Registry, place: tuple[str, str] = PLACE) -> Bounds:
    return registry.bounds(place)[Parameter.TURBIDITY]


def test_the_narrower_wins_test_by_test(database: Database, tmp_path: Path) -> None:
    registry = loaded(database, tmp_path, OWN)

    own, plain = turbidity(registry), turbidity(registry, ("kosalari", "kk-0002"))
    assert own.spike
    assert own.rate
    assert own.flat
    assert plain.flat
    assert (own.spike.suspect, own.spike.fail) == (8, 40)  # the water point's
    assert own.rate.suspect_per_s == pytest.approx(0.1)  # the device's
    assert own.flat.suspect_after_s == 3 * 3600
    assert own.spans.usual == (0, 20)
    assert own.spans.possible == plain.spans.possible  # a water point does not change what a probe can show
    assert own.attenuated == plain.attenuated == DEFAULTS[Parameter.TURBIDITY].attenuated
    ph = registry.bounds(PLACE)[Parameter.PH]
    assert (ph.attenuated, ph.disturbed_s) == (None, None)
    assert ph.spike == DEFAULTS[Parameter.PH].spike


def test_what_is_set_for_a_device_goes_where_it_goes_and_a_water_points_stays(
    database: Database, tmp_path: Path
) -> None:
    registry = loaded(database, tmp_path, OWN)

    moved, other = turbidity(registry, ("kosalari", "kk-0001")), turbidity(registry, ("algeti", "kk-0002"))

    assert moved.spike
    assert other.spike
    assert (moved.spike.suspect, other.spike.suspect) == (30, 8)
    assert other.rate == DEFAULTS[Parameter.TURBIDITY].rate


def test_it_says_who_set_what(database: Database, tmp_path: Path) -> None:
    registry = loaded(database, tmp_path, OWN)
    capability = registry.capabilities["kk-0001"].get(Parameter.TURBIDITY)

    sources = settled(Parameter.TURBIDITY, capability, registry.layers(*PLACE)).sources

    assert {name: sources[name] for name in ("usual", "spike", "rate", "attenuated")} == {
        "usual": "water point algeti",
        "spike": "water point algeti",
        "rate": "device kk-0001",
        "attenuated": "default",
    }


def test_loading_it_again_changes_nothing_and_a_table_with_no_test_takes_back(
    database: Database, tmp_path: Path
) -> None:
    first = loaded(database, tmp_path, OWN)
    assert loaded(database, tmp_path, OWN).bounds(PLACE) == first.bounds(PLACE)
    assert loaded(database, tmp_path, "").bounds(PLACE) == first.bounds(PLACE)

    empty = '[[screening]]\nwater_point = "algeti"\n[screening.turbidity]\nunit = "NTU"\n'
    back = turbidity(loaded(database, tmp_path, empty))

    assert back.spike
    assert back.spike.suspect == 30
    assert back.spans.usual == DEFAULTS[Parameter.TURBIDITY].spans.usual


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('[screening.turbidity]\nunit = "FNU"', "screening[0].turbidity.unit: turbidity is kept in NTU"),
        ("[screening.turbidity]\nspike = { suspect = 3 }", "screening[0].turbidity.unit: is required"),
        (
            '[screening.turbidity]\nunit = "NTU"\nspike = { suspect = 9, fail = 9 }',
            "turbidity.spike.fail: must be more than suspect, which is 9",
        ),
        (
            '[screening.ph]\nunit = "pH"\nflat = { suspect_after_hours = 9, fail_after_hours = 3 }',
            "ph.flat.fail_after_hours: must be more than suspect_after_hours, which is 9",
        ),
        ('[screening.ph]\nunit = "pH"\nusual = [9, 5]', "ph.usual: the first number must be the smaller one"),
        ('[screening.ph]\nunit = "pH"\nusual = [5, 15]', "ph.usual: must lie within 0 to 14 pH"),
        ('[screening.ph]\nunit = "pH"\nspik = { suspect = 1 }', "unknown key; did you mean `spike`?"),
        ('[screening.turbidty]\nunit = "NTU"', "unknown key; did you mean `turbidity`?"),
        (
            '[screening.ph]\nunit = "pH"\nspike = { suspect = 1 }\noff = ["spike"]',
            "ph.spike: is set, and is named in `off`",
        ),
        ('[screening.ph]\nunit = "pH"\noff = ["usual"]', "`usual` cannot be left out"),
        ('device = "kk-0001"', "name a `water_point` or a `device`, and not both"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(tmp_path: Path, written: str, why: str) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(f'[[screening]]\nwater_point = "algeti"\n{written}\n', encoding="utf-8")

    with pytest.raises(ConfigError) as refusal:
        read_registry_file(path)

    assert why in str(refusal.value)


def test_a_water_point_that_is_nowhere_registered_is_refused_and_nothing_is_set(
    database: Database, tmp_path: Path
) -> None:
    before = loaded(database, tmp_path, "")
    text = '\n[[screening]]\nwater_point = "nowhere"\n[screening.ph]\nunit = "pH"\nspike = { suspect = 1 }\n'

    with pytest.raises(ConfigError, match="water point nowhere is nowhere registered"):
        loaded(database, tmp_path, OWN + text)

    assert loaded(database, tmp_path, "").bounds(PLACE) == before.bounds(PLACE)


def sheet_with(screening: Mapping[str, object]) -> Datasheet:
    plain = load("sen0161-v2").model_dump(mode="json", exclude_none=True)
    return Datasheet.model_validate(plain | {"screening": screening})


def test_a_datasheet_may_set_its_own_and_a_water_point_still_wins() -> None:
    tests = sheet_with({"unit": "pH", "spike": {"suspect": 0.5}}).screening
    assert tests is not None
    own = ParameterTests.model_validate({"unit": "pH", "spike": {"suspect": 0.3}})
    sheets = {"kk-0001": {Parameter.PH: tests}}

    by_sheet = Registry(own=OwnTests(models=sheets)).bounds(PLACE)[Parameter.PH]
    by_both = Registry(own=OwnTests(sheets, {}, {"algeti": {Parameter.PH: own}})).bounds(PLACE)[Parameter.PH]

    assert by_sheet.spike
    assert by_both.spike
    assert (by_sheet.spike.suspect, by_both.spike.suspect) == (0.5, 0.3)


def test_a_datasheet_in_another_unit_is_refused() -> None:
    with pytest.raises(ValidationError, match="ph is kept in pH"):
        sheet_with({"unit": "mV", "spike": {"suspect": 5}})


def test_a_flat_line_of_its_own_keeps_what_the_probe_cannot_tell_from_nought() -> None:
    capability = load("analog-nephelometer").capability
    own = ParameterTests.model_validate({"unit": "NTU", "flat": {"suspect_after_hours": 3}})

    registry = Registry(
        capabilities={"kk-0001": {Parameter.TURBIDITY: capability}},
        own=OwnTests(water_points={"algeti": {Parameter.TURBIDITY: own}}),
    )

    flat = turbidity(registry).flat
    assert flat
    assert (flat.suspect_after_s, flat.above) == (3 * 3600, 0.3)


def test_a_reading_is_screened_by_the_settings_of_where_it_was_taken(tmp_path: Path) -> None:
    own = ParameterTests.model_validate({"unit": "pH", "usual": [7, 8]})
    registry = Registry(own=OwnTests(water_points={"algeti": {Parameter.PH: own}}))
    store = SqliteReadingStore(tmp_path / "readings.db")
    store.prepare()
    sent = observation(ph=6.5, turbidity=None, flow=None, flag=Flag.UNKNOWN)

    judged = Screener(store, lambda _: False).screen(
        [Row("algeti", sent, 0), Row("kosalari", sent, 0)], registry.bounds, may_ask=lambda: True
    )

    found = [row.observation.readings[Parameter.PH].screened.why for row in judged.rows]
    assert found == [Why.UNUSUAL_VALUE, Why.NONE]
    assert registry.bounds(PLACE) is registry.bounds(PLACE)
    assert registry.bounds(("kosalari", "kk-0001")) == bounds_of({})
