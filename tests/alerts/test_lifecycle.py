"""The life of an alert: a table of cases, and what no order of findings can bring about.

A story is written `0B 60B 180C`: the second at which an observation was taken, and what the rule found (B
breach, H holding, C clear, U unknown). Unless said otherwise a breach is confirmed after 180 s and cleared
after 900 s.
"""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Phase, State, Turn, begin, step
from alerts.rules import Delays, Finding, Verdict

T = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
DELAYS = Delays(confirm_s=180, clear_s=900)
FINDINGS = {"B": Finding.BREACH, "H": Finding.HOLDING, "C": Finding.CLEAR, "U": Finding.UNKNOWN}
VALUES = {
    Finding.BREACH: Verdict(Finding.BREACH, 6.0, 5.0, "6 above 5"),
    Finding.HOLDING: Verdict(Finding.HOLDING, 4.8),
    Finding.CLEAR: Verdict(Finding.CLEAR, 1.0),
    Finding.UNKNOWN: Verdict(Finding.UNKNOWN),
}
LEGAL = {
    (Phase.NORMAL, Phase.PENDING),
    (Phase.NORMAL, Phase.FIRING),
    (Phase.PENDING, Phase.NORMAL),
    (Phase.PENDING, Phase.FIRING),
    (Phase.FIRING, Phase.FIRING),  # a step up
    (Phase.FIRING, Phase.RECOVERING),
    (Phase.FIRING, Phase.RESOLVED),
    (Phase.FIRING, Phase.UNKNOWN),
    (Phase.RECOVERING, Phase.FIRING),
    (Phase.RECOVERING, Phase.RESOLVED),
    (Phase.RECOVERING, Phase.UNKNOWN),
    (Phase.UNKNOWN, Phase.FIRING),
    (Phase.UNKNOWN, Phase.RECOVERING),
    (Phase.UNKNOWN, Phase.RESOLVED),
    (Phase.RESOLVED, Phase.PENDING),
    (Phase.RESOLVED, Phase.FIRING),
}


def parsed(story):
    return [(float(word[:-1]), FINDINGS[word[-1]]) for word in story.split()]


def at(second):
    return T + timedelta(seconds=second)


def live(events, delays=DELAYS, state=None):
    """The state after the events, and every change of phase on the way."""
    state, changes = state or begin(T), []
    for second, finding in events:
        state, change = step(state, VALUES[finding], at(second), delays)
        changes += [] if change is None else [change]
    return state, changes


@pytest.mark.parametrize(
    ("story", "phase"),
    [
        pytest.param("0C 60C", "normal", id="clean water is normal"),
        pytest.param("0B", "pending", id="one breach waits to be confirmed"),
        pytest.param("0B 60B 179B", "pending", id="a second short of the confirm delay"),
        pytest.param("0B 60B 180B", "firing", id="a breach that lasts the confirm delay fires"),
        pytest.param("0B 60C 120B 180B", "pending", id="a clear reading starts the confirmation anew"),
        pytest.param("0B 60C", "normal", id="a spike is forgotten"),
        pytest.param("0B 60U", "pending", id="an unknown reading does not forget a breach"),
        pytest.param("0B 180U", "pending", id="an unknown reading confirms nothing"),
        pytest.param("0B 180H", "normal", id="a reading inside the limit ends what was not confirmed"),
        pytest.param("0B 60H 120B 299B", "pending", id="and the next breach begins anew"),
        pytest.param("0B 60U 7260B", "pending", id="a breach unseen for over two hours begins anew"),
        pytest.param("0B 60U 7260B 7440B", "firing", id="and is confirmed in its own time"),
        pytest.param("0B 900B", "firing", id="breaches a quarter of an hour apart are one"),
        pytest.param("0U 60U 9999U", "normal", id="unknown from the start raises no alert"),
        pytest.param("0H 60H", "normal", id="near the limit is not beyond it"),
        pytest.param("0B 180B 240C", "recovering", id="the first clear reading begins recovery"),
        pytest.param("0B 180B 240C 1139C", "recovering", id="a second short of the clear delay"),
        pytest.param("0B 180B 240C 1140C", "resolved", id="clear for the whole clear delay resolves"),
        pytest.param("0B 180B 240C 600B 1140C", "recovering", id="a breach ends the recovery"),
        pytest.param("0B 180B 240C 600B", "firing", id="a relapse fires at once"),
        pytest.param("0B 180B 240C 600H", "firing", id="back within the deadband has not recovered"),
        pytest.param("0B 180B 240H 9999H", "firing", id="within the deadband an alert stays for ever"),
        pytest.param("0B 180B 240U", "unknown", id="a failed sensor turns a firing alert unknown"),
        pytest.param("0B 180B 240C 300U", "unknown", id="and a recovering one"),
        pytest.param("0B 180B 240U 99999U", "unknown", id="unknown stays unknown however long"),
        pytest.param("0B 180B 240U 300B", "firing", id="unknown fires again at a breach"),
        pytest.param("0B 180B 240U 300H", "firing", id="and within the deadband"),
        pytest.param("0B 180B 240C 1139U 1140C", "recovering", id="an unknown reading starts recovery anew"),
        pytest.param("0B 180B 240U 300C", "recovering", id="unknown must recover like any other"),
        pytest.param("0B 180B 240U 300C 1200C", "resolved", id="and then resolves"),
        pytest.param("0B 180B 240C 1140C 1200B", "pending", id="a resolved alert starts anew"),
        pytest.param(
            "0B 180B 240C 1140C 1200U 1300H 1400C", "resolved", id="resolved stays so without a breach"
        ),
        pytest.param("0B 180B 240C 1140C 1200B 1380B", "firing", id="and fires again when confirmed"),
    ],
)
def test_an_alert_stands_where_its_story_leaves_it(story, phase):
    assert live(parsed(story))[0].phase == phase


@pytest.mark.parametrize(
    ("story", "delays", "phase"),
    [
        pytest.param("0B", Delays(0, 900), "firing", id="without a confirm delay one breach fires"),
        pytest.param(
            "0B 60C", Delays(0, 0), "resolved", id="without a clear delay one clear reading resolves"
        ),
        pytest.param("0B 60U 90C", Delays(0, 0), "resolved", id="out of unknown too"),
        pytest.param("0B 60U", Delays(0, 0), "unknown", id="but unknown itself never does"),
    ],
)
def test_delays_may_be_none(story, delays, phase):
    assert live(parsed(story), delays)[0].phase == phase


def test_a_change_says_from_where_to_where_when_and_why():
    _, changes = live(parsed("0B 180B 240C 1140C"))

    assert [(change.before, change.after, change.at) for change in changes] == [
        (Phase.NORMAL, Phase.PENDING, at(0)),
        (Phase.PENDING, Phase.FIRING, at(180)),
        (Phase.FIRING, Phase.RECOVERING, at(240)),
        (Phase.RECOVERING, Phase.RESOLVED, at(1140)),
    ]
    assert changes[1].reason == "6 above 5"


def test_an_older_instant_changes_nothing():
    state, _ = live(parsed("0B 180B"))

    assert step(state, VALUES[Finding.CLEAR], at(179.999), DELAYS) == (state, None)


def test_the_clock_of_an_alert_is_that_of_the_observations():
    state, _ = live(parsed("0B 60U 180B"))

    assert (state.since, state.judged_at, state.breached_at) == (at(180), at(180), at(0))


def broken(*readings):
    """The state after breaches of (value, bound), the first of which fires."""
    state = begin(T)
    for second, (value, bound) in enumerate(readings):
        state, _ = step(state, Verdict(Finding.BREACH, value, bound), at(second), Delays(0, 900))
    return state


def test_the_peak_is_the_value_farthest_beyond_the_limit():
    assert broken((6, 5), (12.4, 5), (8, 5)).peak == 12.4
    assert broken((6.0, 6.5), (5.2, 6.5), (6.4, 6.5)).peak == 5.2


def test_an_episode_ends_with_its_peak_and_its_beginning():
    state, _ = live(parsed("0B 180B 240C 1140C"))

    assert (state.phase, state.peak, state.breached_at) == (Phase.RESOLVED, None, None)


def test_a_spike_that_was_forgotten_leaves_no_beginning_behind():
    state, _ = live(parsed("0B 60C"))

    assert (state.peak, state.breached_at) == (None, None)


def test_an_unknown_reading_keeps_the_peak():
    assert live(parsed("0B 180B 240U"))[0].peak == 6.0


@pytest.mark.parametrize("phase", list(Phase))
def test_people_may_have_been_told_of_an_open_phase(phase):
    assert phase.is_open is (phase in (Phase.FIRING, Phase.RECOVERING, Phase.UNKNOWN))


BLIND = Verdict(Finding.UNKNOWN, reason="beyond its range", is_blind=True)


def lived(*events, delays=DELAYS):
    """The state after (second, verdict), with every change on the way."""
    state, changes = begin(T), []
    for second, verdict in events:
        state, change = step(state, verdict, at(second), delays)
        changes += [] if change is None else [change]
    return state, changes


def test_a_fall_straight_after_the_probe_was_blind_does_not_clear():
    breach, clear = VALUES[Finding.BREACH], VALUES[Finding.CLEAR]
    blinded = [(0, breach), (180, breach), (240, BLIND)]

    assert lived(*blinded, (300, clear), (1139, clear))[0].phase is Phase.UNKNOWN
    assert lived(*blinded, (300, clear), (1140, clear))[0].phase is Phase.RECOVERING
    assert lived(*blinded, (300, clear), (1140, clear), (2040, clear))[0].phase is Phase.RESOLVED


def test_a_fall_that_was_seen_on_its_way_down_clears_as_ever():
    breach, clear = VALUES[Finding.BREACH], VALUES[Finding.CLEAR]

    state, _ = lived((0, breach), (180, breach), (240, BLIND), (300, breach), (360, clear))

    assert state.phase is Phase.RECOVERING


def test_a_breach_that_waits_is_not_forgotten_by_a_fall_after_the_probe_was_blind():
    breach, clear = VALUES[Finding.BREACH], VALUES[Finding.CLEAR]

    assert lived((0, breach), (60, BLIND), (120, clear))[0].phase is Phase.PENDING


def test_what_comes_back_soon_is_the_same_episode_and_takes_longer_to_clear():
    breach, clear = VALUES[Finding.BREACH], VALUES[Finding.CLEAR]
    delays = Delays(0, 600, reopen_s=3600)

    state, changes = lived(
        (0, breach), (60, clear), (660, clear), (700, breach), (760, clear), (1360, clear), delays=delays
    )
    assert [change.turn for change in changes if change.turn] == [Turn.BEGINS, Turn.ENDS, Turn.REOPENS]
    assert state.phase is Phase.RECOVERING

    state, change = step(state, clear, at(1960), delays)
    assert change.turn is Turn.ENDS
    _, change = step(state, breach, at(1960 + 3601), delays)
    assert change.turn is Turn.BEGINS


# ---- what no order of findings can bring about ------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from([1, 30, 60, 179, 180, 181, 600, 900, 901]), st.sampled_from(Finding)),
    max_size=60,
)
DELAY = st.sampled_from([0.0, 1.0, 180.0, 900.0])


def events_of(steps):
    """Findings at growing seconds."""
    second, events = 0, []
    for wait, finding in steps:
        second += wait
        events.append((second, finding))
    return events


@given(steps=STEPS, confirm_s=DELAY, clear_s=DELAY)
def test_every_change_of_phase_is_a_legal_one(steps, confirm_s, clear_s):
    state, changes = live(events_of(steps), Delays(confirm_s, clear_s))
    phases = [Phase.NORMAL, *[change.after for change in changes]]

    assert {(change.before, change.after) for change in changes} <= LEGAL
    assert [change.before for change in changes] == phases[:-1]
    assert state.phase is phases[-1]


@given(steps=STEPS, confirm_s=DELAY, clear_s=DELAY)
def test_only_clear_readings_through_the_whole_clear_delay_resolve(steps, confirm_s, clear_s):
    events = events_of(steps)
    _, changes = live(events, Delays(confirm_s, clear_s))

    for change in changes:
        if change.after is Phase.RESOLVED:
            through = (change.at - T).total_seconds()
            last_other = max(
                (second for second, found in events if second <= through and found is not Finding.CLEAR)
            )
            first_clear = min(second for second, _ in events if second > last_other)
            assert through - first_clear >= clear_s


@given(steps=STEPS, confirm_s=DELAY, clear_s=DELAY)
def test_an_unknown_reading_never_resolves_and_never_fires(steps, confirm_s, clear_s):
    events = events_of(steps)
    found = {at(second): finding for second, finding in events}
    _, changes = live(events, Delays(confirm_s, clear_s))

    for change in changes:
        if found[change.at] is Finding.UNKNOWN:
            assert change.after is Phase.UNKNOWN
        if change.after is Phase.RESOLVED:
            assert found[change.at] is Finding.CLEAR


@given(steps=STEPS, confirm_s=DELAY, clear_s=DELAY)
def test_a_new_episode_fires_only_on_breaches_the_whole_confirm_delay_apart(steps, confirm_s, clear_s):
    events = events_of(steps)
    _, changes = live(events, Delays(confirm_s, clear_s))

    for change in changes:
        if change.after is Phase.FIRING and not change.before.is_open:
            until = (change.at - T).total_seconds()
            last_clear = max((s for s, found in events if s <= until and found is Finding.CLEAR), default=-1)
            breaches = [s for s, found in events if last_clear < s <= until and found is Finding.BREACH]
            assert breaches[-1] == until
            assert until - breaches[0] >= confirm_s


@given(steps=STEPS, back_s=st.integers(1, 5000), finding=st.sampled_from(Finding))
def test_what_arrives_late_changes_nothing(steps, back_s, finding):
    state, _ = live(events_of(steps))

    assert step(state, VALUES[finding], state.judged_at - timedelta(seconds=back_s), DELAYS) == (state, None)


LEVELS = st.lists(st.tuples(st.sampled_from([1, 60, 120, 900]), st.integers(0, 4)), max_size=60)


@given(levels=LEVELS)
def test_a_level_never_falls_within_an_episode_and_each_rise_is_one_change(levels):
    delays, state, second, level = Delays(180, 600, steps_s=(120, 60)), begin(T), 0, 0
    for wait, broken in levels:
        second += wait
        finding = [Finding.CLEAR, Finding.BREACH, Finding.BREACH, Finding.BREACH, Finding.UNKNOWN][broken]
        verdict = Verdict(finding, 6.0, 5.0, level=min(max(broken, 1), 3))
        was_open = state.phase.is_open
        state, change = step(state, verdict, at(second), delays)
        if was_open and state.phase.is_open:
            assert state.level >= level
            assert (state.level > level) is (change is not None and change.turn is Turn.RISES)
        if state.phase.is_open:
            assert state.level >= 1
        level = state.level


@given(steps=STEPS)
def test_the_beginning_and_the_peak_are_kept_through_an_episode_and_no_longer(steps):
    state, _ = live(events_of(steps))

    is_episode = state.phase.is_open or state.phase is Phase.PENDING
    assert (state.breached_at is not None) is is_episode
    assert (state.peak is not None) is is_episode


@given(steps=STEPS, cut=st.integers(0, 60))
def test_a_state_that_was_laid_down_and_taken_up_goes_on_as_if_it_had_not_been(steps, cut):
    events = events_of(steps)
    half, before = live(events[:cut])
    again = State(**{field.name: getattr(half, field.name) for field in fields(half)})
    rest, after = live(events[cut:], state=again)

    assert (rest, before + after) == live(events)
