"""What the pages say of limits: those that can be judged there, and the one that an alert is about."""

import pytest

from alerts.rules import OffRule, Scope
from alerts.seeds import shipped_rules
from firmware_config.datasheet import load
from server.web.views.rules import RuleFacts, limits_at, limits_everywhere
from waterquality.parameters import Parameter

SHIPPED = [RuleFacts(spec.id, spec.to_rule()) for spec in shipped_rules()]
TURBIDITY = next(each for each in SHIPPED if each.id == "turbidity-who-4")


def able(**models: str):
    return {Parameter(name): load(model).capability for name, model in models.items()}


def test_a_probe_that_sees_only_the_farther_steps_is_held_against_the_nearest_of_those():
    limits = limits_at(SHIPPED, "algeti", able(turbidity="analog-nephelometer"))

    assert limits.checked[Parameter.TURBIDITY].high == 4.0
    assert Parameter.TURBIDITY not in limits.unproven


def test_a_probe_that_sees_no_step_leaves_the_limit_unproven():
    limits = limits_at(SHIPPED, "algeti", able(turbidity="sen0189"))

    assert Parameter.TURBIDITY not in limits.checked
    assert limits.unproven[Parameter.TURBIDITY] == TURBIDITY.rule.steps[0].limit


def test_a_rule_that_is_off_there_is_no_limit_there():
    off = RuleFacts("off", OffRule(id="off", scope=Scope(frozenset({"algeti"}), replaces="turbidity-who-4")))
    probes = able(turbidity="analog-nephelometer")

    assert Parameter.TURBIDITY not in limits_at([*SHIPPED, off], "algeti", probes).checked
    assert Parameter.TURBIDITY not in limits_at([*SHIPPED, off], "algeti", probes).unproven
    everywhere = limits_everywhere([*SHIPPED, off], dict.fromkeys(("kosalari", "algeti", "bolnisi"), probes))
    assert [Parameter.TURBIDITY in each.checked for each in everywhere.values()] == [True, False, True]


@pytest.mark.parametrize(
    ("value", "high"), [(None, 1.0), (0.5, 1.0), (2.0, 1.0), (4.0, 1.0), (9.0, 4.0), (12.4, 10.0)]
)
def test_an_alert_names_the_farthest_limit_that_its_extreme_lies_beyond(value, high):
    assert TURBIDITY.limit_beside(value).high == high


def test_a_rule_that_is_about_no_limit_names_none():
    assert all(each.limit_beside(5.0) is None for each in SHIPPED if each.id in ("silence", "custody"))
    assert RuleFacts("gone").limit_beside(5.0) is None
