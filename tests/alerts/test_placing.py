"""Which rules are in force at a water point, and why others are not."""

from dataclasses import replace

import pytest

from alerts.rules import Place, Scope, Severity, place_rules
from alerts.rules.checking import mistakes
from alerts.rules.explaining import explain
from alerts.rules.placing import OffRule
from alerts.seeds import shipped_rules
from alerts.supply import Supply
from firmware_config.datasheet import load
from tests.fakes.town import SILENT, SOUR, TURBID
from waterquality.parameters import Parameter

RULES = [spec.to_rule() for spec in shipped_rules()]
GRADED = next(rule for rule in RULES if rule.id == "turbidity-who-4")


def place(turbidity="analog-nephelometer", ph="sen0161-v2", flow="yf-s201", supply=None, point="algeti-3"):
    models = {Parameter.TURBIDITY: turbidity, Parameter.PH: ph, Parameter.FLOW: flow}
    known = {parameter: load(model).capability for parameter, model in models.items() if model}
    return Place(point, [known], None if supply is None else Supply.parse(supply))


def ids(placed):
    return {rule.id for rule in placed.rules}


def at(rule, *water_points, replaces=""):
    return replace(rule, scope=Scope(frozenset(water_points), replaces))


def test_a_step_that_the_probe_cannot_show_is_left_out_with_the_arithmetic():
    placed = place_rules([GRADED], place())

    (rule,) = placed.rules
    said = placed.unproven.get(GRADED.id, ())
    assert len(rule.steps) + len(said) == 3
    assert [step.severity for step in rule.steps][-1] is Severity.CRITICAL
    assert all("1 NTU" in clause and "uncertain by" in clause for clause in said)


def test_where_no_step_can_be_shown_the_rule_is_refused():
    placed = place_rules([GRADED], place(turbidity="sen0189"))

    assert placed.rules == ()
    assert "indicative probe" in placed.refused[GRADED.id]


def test_a_rule_without_a_probe_is_refused():
    assert "no probe for ph" in place_rules(RULES, place(ph=None)).refused["ph-ge-58"]


def test_no_flow_needs_a_calendar_and_says_how_to_give_one():
    assert "tskaro water-point supply algeti-3" in place_rules(RULES, place()).refused["no-flow"]
    assert "no-flow" in ids(place_rules(RULES, place(supply="always")))
    assert "no flow meter" in place_rules(RULES, place(flow=None, supply="always")).refused["no-flow"]


def test_a_rule_of_a_water_points_own_takes_the_place_of_the_general_one():
    own = at(replace(TURBID, id="own"), "algeti-3", replaces=TURBID.id)

    here, there = (
        place_rules([TURBID, SILENT, own], place(point=point)) for point in ("algeti-3", "kazreti")
    )

    assert ids(here) == {"own", SILENT.id}
    assert here.refused == {TURBID.id: "own takes its place there"}
    assert ids(there) == {TURBID.id, SILENT.id}
    assert "algeti-3" in there.refused["own"]


def test_a_rule_may_be_off_somewhere():
    off = OffRule(id="quiet", scope=Scope(frozenset({"algeti-3"}), TURBID.id))

    assert ids(place_rules([TURBID, SILENT, off], place())) == {SILENT.id}
    assert ids(place_rules([TURBID, SILENT, off], place(point="kazreti"))) == {TURBID.id, SILENT.id}


@pytest.mark.parametrize(
    ("wrong", "what", "mend"),
    [
        pytest.param(
            [SILENT, at(TURBID, "nowhere")], "no water point nowhere", "register it", id="no such point"
        ),
        pytest.param(
            [SILENT, at(TURBID, "algeti-3", replaces="x")], "x, which is no rule", "silent", id="no rule"
        ),
        pytest.param(
            [SILENT, SOUR, at(TURBID, "algeti-3", replaces=SOUR.id)],
            "about ph",
            'kind "off"',
            id="of another kind",
        ),
        pytest.param(
            [
                SILENT,
                TURBID,
                at(replace(TURBID, id="a"), "algeti-3", replaces=TURBID.id),
                at(replace(TURBID, id="b"), "algeti-3", replaces=TURBID.id),
            ],
            "a replaces turbid at algeti-3 already",
            "one of the two",
            id="twice",
        ),
        pytest.param([TURBID], "no rule about silence", "no_data", id="nobody listens for silence"),
    ],
)
def test_a_mistake_is_named_with_its_mend(wrong, what, mend):
    (found,) = mistakes(wrong, {"algeti-3"})

    assert what in found.what
    assert mend in found.mend


def test_the_shipped_rules_hold_no_mistake():
    assert list(mistakes(RULES, set())) == []


def test_a_rule_is_said_in_words():
    said = explain(GRADED)

    assert said.fires == (
        "notice: turbidity above 1 NTU for 30 min (who-2017, not verified)",
        "warning: turbidity above 4 NTU for 5 min (who-2017, not verified)",
        "critical: turbidity above 10 NTU for 3 min (tskaro, not verified)",
    )
    assert "0.2 NTU inside the first step" in said.clears
    assert said.told == "told: cso, municipality"
    assert all(explain(rule).fires and explain(rule).clears for rule in RULES)
