"""`tskaro rules` and `tskaro water-point supply` as an administrator types them."""

import json
from pathlib import Path

import pytest

from tests.fakes.office import AdministratorsDesk

OWN = """
[[rule]]
kind = "limit"
id = "own"
water_points = ["algeti"]
replaces = "{replaces}"
confirm_after_s = 60
clear_after_s = 60
deadband = 0.1
limit = {{ parameter = "{parameter}", high = 8.0, authority = "village" }}
"""


@pytest.fixture
def desk(tmp_path: Path) -> AdministratorsDesk:
    return AdministratorsDesk(tmp_path)


def explained(desk: AdministratorsDesk) -> dict[str, dict[str, object]]:
    told = json.loads(desk.tskaro("rules", "explain", "algeti", "--json").stdout)
    return {row["rule"]: row for row in told["rules"]}


def test_rules_are_listed_and_those_that_ship_hold_no_mistake(desk: AdministratorsDesk) -> None:
    listed = {row["rule"]: row for row in json.loads(desk.tskaro("rules", "list", "--json").stdout)}

    assert (listed["turbidity-who-4"]["kind"], listed["turbidity-who-4"]["severity"]) == (
        "limit",
        ["critical"],
    )
    assert listed["all-silent"]["kind"] == "mass_silence"
    assert "nothing is wrong" in desk.tskaro("rules", "check").stdout


def test_when_a_rule_fires_and_where_it_cannot_is_said_in_words(desk: AdministratorsDesk) -> None:
    told = explained(desk)["turbidity-who-4"]
    assert told["fires"] == ["critical: turbidity above 4 NTU for 0.3 s (who-2017, not verified)"]

    village = (desk.folder / "village.toml").read_text().replace("analog-nephelometer", "sen0189")
    (desk.folder / "village.toml").write_text(village)
    desk.tskaro("registry", "load", desk.folder / "village.toml")

    told = explained(desk)["turbidity-who-4"]
    assert told["judged"] is False
    assert "indicative" in str(told["why"])


def test_mistakes_are_named_with_their_mend(desk: AdministratorsDesk) -> None:
    file = desk.folder / "own.toml"
    file.write_text(OWN.format(replaces="nothing", parameter="turbidity"))

    said = desk.tskaro("rules", "check", file, code=1).stdout
    assert "own: it replaces nothing, which is no rule: there are: all-silent, custody" in said

    file.write_text(OWN.format(replaces="turbidity-who-4", parameter="mud"))
    refused = desk.tskaro("rules", "check", file, code=78).stderr
    assert "own.toml: rule" in refused
    assert "parameter" in refused


def test_when_water_is_due_is_said_shown_and_taken_back(desk: AdministratorsDesk) -> None:
    assert "nobody has said" in desk.tskaro("water-point", "supply", "algeti").stdout
    assert "tskaro water-point supply algeti always" in str(explained(desk)["no-flow"]["why"])
    said = desk.tskaro("water-point", "supply", "algeti", "mon-fri", "06:00-09:00;", "sun", "always", code=78)
    assert "are no hours" in said.stderr

    desk.tskaro("water-point", "supply", "algeti", "mon-fri 06:00-09:00; sun 08:00-12:00")
    assert explained(desk)["no-flow"]["judged"] is True
    assert "19 hours a week" in desk.tskaro("water-point", "supply", "algeti").stdout
    assert "nobody has said" in desk.tskaro("water-point", "supply", "algeti", "--unknown").stdout
    assert "no water point" in desk.tskaro("water-point", "supply", "nowhere", "always", code=78).stderr
