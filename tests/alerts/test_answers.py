"""Answers: understood strictly, bound to what had been told, replied to in one segment."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.answers.deciding import REMEMBERED, Said, Told, respond
from alerts.answers.reading import Answer, understood
from alerts.answers.replying import replies_in, reply
from alerts.ports import AlertKey
from alerts.segments import Encoding, segments
from alerts.texts import max_site_units
from tests.alerts.test_texts import NEVER
from tests.builders import instant
from waterquality.languages import Language

NOON = instant("2026-11-20T12:00:00Z")
MINUTE = timedelta(minutes=1)
LETTERS = {Language.KA: "ა", Language.AZ: "ə", Language.HY: "ա", Language.RU: "я", Language.EN: "a"}


@pytest.mark.parametrize(
    "body", ["1", " 1 ", "1.", "«1»", "1️⃣", "１", "①", "۱", "1 OK", "ok!", "OK, 1", "Да.", "ДА"]
)
def test_it_acknowledges(body):
    assert understood(body) is Answer.ACKNOWLEDGE


@pytest.mark.parametrize(
    "body",
    ["კი", "ki", "K'I", "მივიღე", "mivighe", "bəli", "BELI", "ALDIM", "այո", "ayo", "принято", "prinyato"],
)
def test_it_acknowledges_in_words_of_the_region_and_in_latin_letters(body):
    assert understood(body) is Answer.ACKNOWLEDGE


@pytest.mark.parametrize("body", ["0", "STOP", "stop.", "სტოპ", "стоп", "ստոպ", "dayandırın", "0 stop"])
def test_it_stops(body):
    assert understood(body) is Answer.STOP


@pytest.mark.parametrize("body", ["?", "??", "՞", "？", "status?", "სტატუსი", "статус", "vəziyyət"])
def test_it_asks_how_things_stand(body):
    assert understood(body) is Answer.STATUS


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  ",
        "10",
        "01",
        "1 0",
        "stop 1",
        "1?",
        "1 hour ago it was clear",
        "0 problems here",
        "don't stop",
        "ok but the water is brown",
        "no",
        "не да",
        "2",
        "1" * 200,
        "\x00",
        "👍",
    ],
)
def test_whatever_says_anything_else_is_unclear(body):
    assert understood(body) is Answer.UNCLEAR


@given(st.text(max_size=400))
def test_nothing_that_comes_in_breaks_the_reading(body):
    assert understood(body) in Answer


def told(water_point="algeti", *, first=NOON, last=None, by="", rule="turbidity", episode=1):
    return Told(AlertKey(rule, water_point), episode, first, last or first, by)


def test_one_acknowledges_what_had_been_told_by_then():
    response = respond("1", NOON + MINUTE, [told()])

    assert response.acknowledges == ((AlertKey("turbidity", "algeti"), 1),)
    assert (response.said, response.about) == (Said.ACKNOWLEDGED, ("algeti",))


def test_an_alert_whose_text_crossed_the_answer_is_not_acknowledged():
    response = respond("1", NOON + MINUTE, [told(), told("bolnisi", first=NOON + 2 * MINUTE)])

    assert response.acknowledges == ((AlertKey("turbidity", "algeti"), 1),)


def test_several_are_acknowledged_together_and_the_newest_is_named_first():
    response = respond("1", NOON + 5 * MINUTE, [told(), told("bolnisi", first=NOON + MINUTE)])

    assert len(response.acknowledges) == 2
    assert (response.said, response.about) == (Said.ACKNOWLEDGED_MANY, ("bolnisi", "algeti"))


def test_two_alerts_of_one_water_point_are_named_once():
    response = respond("1", NOON + MINUTE, [told(), told(rule="ph")])

    assert len(response.acknowledges) == 2
    assert (response.said, response.about) == (Said.ACKNOWLEDGED, ("algeti",))


def test_a_late_answer_is_told_that_nothing_is_open():
    response = respond("1", NOON + REMEMBERED + MINUTE, [told()])

    assert (response.said, response.acknowledges) == (Said.NOTHING_OPEN, ())
    assert respond("1", NOON, []).said is Said.NOTHING_OPEN


def test_a_reminder_keeps_an_alert_answerable():
    reminded = told(last=NOON + REMEMBERED)

    assert respond("1", NOON + REMEMBERED + MINUTE, [reminded]).said is Said.ACKNOWLEDGED


def test_who_comes_second_is_told_so():
    response = respond("1", NOON + MINUTE, [told(by="nino")])

    assert (response.said, response.acknowledges) == (Said.ALREADY, ())
    assert "nino" in response.reason


def test_what_is_acknowledged_already_does_not_keep_the_rest_from_it():
    response = respond("1", NOON + MINUTE, [told(by="nino"), told("bolnisi")])

    assert response.acknowledges == ((AlertKey("turbidity", "bolnisi"), 1),)


@pytest.mark.parametrize(
    ("points", "said"), [([], Said.ALL_NORMAL), (["a"], Said.OPEN), (["a", "b"], Said.OPEN_MANY)]
)
def test_a_question_is_answered_with_what_is_open(points, said):
    assert respond("?", NOON, [told(point) for point in points]).said is said


@given(st.text(max_size=60))
def test_only_an_acknowledgement_acknowledges(body):
    response = respond(body, NOON + MINUTE, [told()])

    assert bool(response.acknowledges) == (understood(body) is Answer.ACKNOWLEDGE)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("said", Said)
@pytest.mark.parametrize("is_latin", [False, True])
def test_a_reply_is_one_segment_and_names_the_longest_name_whole(language, said, is_latin):
    name = LETTERS[language] * max_site_units(language)

    text = reply(said, language, sites=[name] * 1000, is_latin=is_latin)

    assert segments(text).count == 1
    assert is_latin or "{site}" not in replies_in(language).replies[said][0] or name in text
    assert not is_latin or segments(text).encoding is Encoding.GSM_7


@pytest.mark.parametrize("language", Language)
def test_a_name_that_came_too_long_is_cut_and_the_reply_stands(language):
    assert segments(reply(Said.OPEN_MANY, language, sites=["ж" * 300] * 3)).count == 1


def test_no_stray_letter_makes_an_english_reply_dear():
    everything = "".join(form for forms in replies_in(Language.EN).replies.values() for form in forms)

    assert segments(everything.replace("{", "").replace("}", "")).encoding is Encoding.GSM_7


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("root", NEVER.values(), ids=NEVER.keys())
def test_no_reply_says_what_only_a_person_may(language, root):
    everything = " ".join(form for forms in replies_in(language).replies.values() for form in forms)

    assert re.search(root, everything) is None
