"""Texts in five languages: always one segment, always true, never more than a probe can claim."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts.latin import to_latin
from alerts.numbers import broken_bound
from alerts.phrasebook import phrasebook
from alerts.ports import Kind
from alerts.preview import usual_samples, widest_samples
from alerts.segments import segments
from alerts.texts import check_site_name, max_site_units, render
from waterquality.languages import Language
from waterquality.limits import Limit
from waterquality.parameters import SPECS, Parameter

AT = datetime(2026, 11, 20, 10, 5, tzinfo=UTC)  # 14:05 in Tbilisi
TURBIDITY = Limit(Parameter.TURBIDITY, None, 5, "who-2017")
PH = Limit(Parameter.PH, 6.5, 8.5, "who-2017")
FLOW = Limit(Parameter.FLOW, 2, None, "village")
BREACHES = {Kind.TURBIDITY_HIGH: (12.4, TURBIDITY), Kind.PH_OUT: (9.1, PH), Kind.LIMIT_BROKEN: (0.5, FLOW)}
OF_A_PROBE = dict.fromkeys(
    (Kind.NIGHT_FLOW, Kind.CHANGED_FAST, Kind.PROBE_FAULT, Kind.PROBE_WELL), (3.1, FLOW)
)
# Names of real length in each language, and a letter that its longest names are made of.
SITES = {"ka": "ალგეთი-3", "az": "Alget-3", "hy": "Ալգեթի-3", "ru": "Алгети-3", "en": "Algeti-3"}
LETTERS = {"ka": "წ", "az": "ğ", "hy": "ք", "ru": "щ", "en": "m"}
NORM = re.compile("ნორმ|norm|նորմ|норм", re.IGNORECASE)
CHECK_THE_WATER = {
    "ka": "შეამოწმეთ წყალი.",
    "az": "Suyu yoxlayın.",
    "hy": "Ստուգեք ջուրը։",
    "ru": "Проверьте воду.",
    "en": "Check the water.",
}
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
LIMITS = st.sampled_from(
    [Limit(Parameter.TURBIDITY, None, high, "x") for high in (0.3, 0.5, 1, 3.5, 4, 5, 10, 100)]
    + [Limit(Parameter.PH, low, high, "x") for low, high in ((6.5, 8.5), (6, 9), (6.5, 9.5))]
    + [Limit(Parameter.FLOW, low, high, "x") for low, high in ((0.5, None), (None, 60), (2, 10_000))]
    + [Limit(Parameter.TEMPERATURE, low, high, "x") for low, high in ((None, 25), (0.5, 30))]
)


def text(kind, language="en", *, value=None, limit=None, site=None, at=AT, now=AT, verified=False):
    """A text about the usual breach of its kind, unless something else is said."""
    usual_value, usual_limit = (BREACHES | OF_A_PROBE).get(kind, (None, None))
    limit = limit or usual_limit
    return render(
        kind,
        Language(language),
        site=SITES[language] if site is None else site,
        value=usual_value if value is None else value,
        limit=replace(limit, verified_by="N. Beridze") if limit and verified else limit,
        parameter=limit.parameter if limit else None,
        at=at,
        now=now,
    )


def kind_of(limit):
    kinds = {Parameter.TURBIDITY: Kind.TURBIDITY_HIGH, Parameter.PH: Kind.PH_OUT}
    return kinds.get(limit.parameter, Kind.LIMIT_BROKEN)


every_language = pytest.mark.parametrize("language", [language.value for language in Language])
every_kind = pytest.mark.parametrize("kind", list(Kind))


@pytest.mark.parametrize(
    ("language", "kind", "expected"),
    [
        ("ka", Kind.TURBIDITY_HIGH, "ალგეთი-3: სიმღვრივე 12.4 NTU, ზღვარი 5 (14:05). შეამოწმეთ წყალი."),
        ("az", Kind.PH_OUT, "Alget-3: pH 9.1, hədd 6.5-8.5 (14:05). Suyu yoxlayın."),
        ("hy", Kind.DEVICE_SILENT, "Ալգեթի-3. սարքը չի պատասխանում, վերջին կապը 14:05։"),
        ("ru", Kind.LIMIT_BROKEN, "Алгети-3: поток 0.5 L/min, предел 2 (14:05). Проверьте."),
        ("en", Kind.ALL_CLEAR, "Algeti-3: readings are back within limits. Alert lifted (14:05)."),
        ("en", Kind.DEVICE_BACK, "Algeti-3: device is responding again (14:05)."),
    ],
)
def test_a_text_reads_as_written_down_here(language, kind, expected):
    assert text(kind, language) == expected


@every_language
@every_kind
def test_every_kind_has_a_text_in_every_language(kind, language):
    said = text(kind, language)

    assert said.startswith(SITES[language])
    assert "14:05" in said
    assert not re.search(r"[{}]|\s\s|^\s|\s$|\s[.,։]", said)


@given(
    language=st.sampled_from(Language),
    kind=st.sampled_from(Kind),
    limit=LIMITS | st.builds(Limit, st.sampled_from(Parameter), NUMBERS, NUMBERS, st.just("x")),
    value=NUMBERS,
    site=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    verified=st.booleans(),
    age=st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_a_text_is_one_segment_whatever_it_has_to_say(*, language, kind, limit, value, site, verified, age):
    said = text(kind, language, value=value, limit=limit, site=site, verified=verified, now=AT + age)

    assert segments(said).count == 1


def test_numbers_that_no_water_has_still_make_one_segment():
    huge = Limit(Parameter.TURBIDITY, -1.23457e200, 1.23457e200, "x")

    for language in Language:
        said = text(
            Kind.TURBIDITY_HIGH, language.value, value=-1.2e199, limit=huge, now=AT + timedelta(days=1)
        )
        assert segments(said).count == 1


@given(
    language=st.sampled_from(Language),
    kind=st.sampled_from(Kind),
    limit=LIMITS,
    share=st.floats(0, 1),
    verified=st.booleans(),
    age=st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_the_longest_allowed_name_stands_whole_in_every_text(*, language, kind, limit, share, verified, age):
    low, high = SPECS[limit.parameter].possible
    value = low + share * (min(high, 100_000) - low)
    assume(broken_bound(value, limit) is not None)
    kind = kind if kind not in BREACHES else kind_of(limit)
    name = LETTERS[language] * max_site_units(language)

    said = text(kind, language, value=value, limit=limit, site=name, verified=verified, now=AT + age)

    assert said.startswith(name)
    assert segments(said).count == 1


@every_language
def test_a_name_may_be_as_long_as_every_text_allows_and_no_longer(language):
    letter, longest = LETTERS[language], max_site_units(Language(language))

    assert check_site_name(letter * longest, Language(language)) == ""
    assert f"at most {longest}" in check_site_name(letter * (longest + 1), Language(language))


@every_language
def test_there_is_room_for_the_longest_village_name_and_the_number_of_its_tap(language):
    assert max_site_units(Language(language)) >= len("Kvemo Karabulakhi-3")


@every_language
def test_a_name_that_came_too_long_is_cut_and_the_message_stands(language):
    said = text(Kind.TURBIDITY_HIGH, language, site=LETTERS[language] * 200, now=AT + timedelta(days=2))

    assert said.startswith(LETTERS[language] * max_site_units(Language(language)))
    assert "…" not in said
    assert "12.4>5 NTU" in said or "12.4 NTU" in said
    assert said.endswith(CHECK_THE_WATER[language])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param("  ", "empty", id="only spaces"),
        pytest.param("ალგეთი\u00a03", "'ალგეთი 3'", id="a non-breaking space"),
        pytest.param(" ალგეთი", "'ალგეთი'", id="a space before it"),
        pytest.param("ალგეთი\n3", "'ალგეთი 3'", id="a line break"),
        pytest.param("ალგეთი\u200b-3", "'ალგეთი-3'", id="a space of no width"),
        pytest.param("ᲐᲚᲒᲔᲗᲘ", "'ალგეთი'", id="Mtavruli capitals"),
    ],
)
def test_a_name_that_would_spoil_a_text_is_refused_with_the_reason(name, reason):
    assert reason in check_site_name(name, Language.KA)


@pytest.mark.parametrize(
    "name", ["ქვემო ყარაბულახი-3", "Aşağı Qarabulaq", "Քվեմո Կարաբուլախ", "Квемо-Карабулахи"]
)
def test_names_of_real_villages_pass_in_every_language(name):
    assert [check_site_name(name, language) for language in Language] == [""] * 5


def test_an_english_text_with_a_foreign_name_has_the_room_of_ucs_2():
    assert check_site_name("Şüləver spring, upper tap" + " x" * 10, Language.EN) != ""
    assert check_site_name("Shulaver spring, upper tap" + " x" * 10, Language.EN) == ""


def test_odd_signs_in_a_name_that_was_never_checked_are_put_right():
    said = text(Kind.DEVICE_BACK, "ka", site="\tᲐᲚᲒᲔᲗᲘ\u00a03\x07")

    assert said.startswith("ალგეთი 3: ")


# ---- what is never said -----------------------------------------------------------------------------------

NEVER = {
    "boil": r"(?i)boil|ადუღ|qayna|եռաց|кипя",
    "do not drink": r"(?i)drink|დალი|içmə|խմ|пейте|пить",
    "safe": r"(?i)safe|უსაფრთხ|təhlükəsiz|անվտանգ|безопас",
    "contaminated": r"(?i)contamin|დაბინძურ|çirkl|աղտոտ|загрязн",
    "Mtavruli": r"[\u1c90-\u1cbf]",
    "a non-breaking or typographic sign": r"[\u00a0\u202f\u2007–—“”…]",
}
# What only a named person may say, so that a search that finds nothing is known to be able to find it.
SAID_BY_A_PERSON = {
    "ka": "აადუღეთ წყალი. წყალი არ დალიოთ. უსაფრთხოა. დაბინძურებულია.",
    "az": "Suyu qaynadın. Suyu içməyin. Təhlükəsizdir. Çirklidir.",
    "hy": "Եռացրեք ջուրը։ Ջուրը չխմեք։ Անվտանգ է։ Աղտոտված է։",
    "ru": "Кипятите воду. Не пейте воду. Безопасно. Загрязнена.",
    "en": "Boil the water. Do not drink it. It is safe. It is contaminated.",
}


@every_language
@pytest.mark.parametrize("root", NEVER.values(), ids=NEVER.keys())
def test_no_automatic_text_holds_it(language, root):
    forms = [form for forms in phrasebook(Language(language)).texts.values() for form in forms]
    words = phrasebook(Language(language)).words

    everything = " ".join([*forms, *words.model_dump().values()])

    assert re.search(root, everything) is None


@every_language
@pytest.mark.parametrize("root", [root for root in NEVER.values() if root.startswith("(?i)")])
def test_no_automatic_text_in_latin_letters_holds_it(language, root):
    words = "|".join(to_latin(word) for word in root.removeprefix("(?i)").split("|"))
    in_latin = [sample.text for sample in usual_samples(Language(language), is_latin=True)]
    in_latin += [sample.text for sample in widest_samples(Language(language), is_latin=True)]

    assert all(re.search(f"(?i){words}", said) is None for said in in_latin)
    assert re.search(f"(?i){words}", to_latin(SAID_BY_A_PERSON[language]))


@every_language
@every_kind
@pytest.mark.parametrize("age_days", [0, 3])
@pytest.mark.parametrize("length", [5, 20])
def test_norm_is_not_said_of_a_limit_that_nobody_has_confirmed(language, kind, age_days, length):
    site = LETTERS[language] * length
    for limit in (TURBIDITY, PH, FLOW):
        value = BREACHES[kind_of(limit)][0]
        said = text(kind, language, value=value, limit=limit, site=site, now=AT + timedelta(days=age_days))

        assert NORM.search(said) is None


@every_language
@pytest.mark.parametrize("kind", [*BREACHES, Kind.ALL_CLEAR])
def test_norm_is_said_of_a_limit_that_a_named_person_has_confirmed(language, kind):
    assert NORM.search(text(kind, language, limit=BREACHES.get(kind, (0, PH))[1], verified=True))


@every_language
def test_turbid_water_and_odd_ph_ask_to_check_the_water(language):
    for kind in (Kind.TURBIDITY_HIGH, Kind.PH_OUT):
        assert text(kind, language).endswith(CHECK_THE_WATER[language])


def test_an_all_clear_of_no_particular_limit_does_not_speak_of_the_norm():
    assert text(Kind.ALL_CLEAR) == "Algeti-3: readings are back within limits. Alert lifted (14:05)."


# ---- times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "now", "expected"),
    [
        pytest.param("2026-11-20T10:05Z", "2026-11-20T10:05Z", "14:05", id="today"),
        pytest.param(
            "2026-11-20T19:59Z", "2026-11-20T20:01Z", "20.11 23:59", id="before midnight in Tbilisi"
        ),
        pytest.param("2026-11-20T20:01Z", "2026-11-21T19:00Z", "00:01", id="two UTC days, one of Tbilisi"),
        pytest.param("2026-07-01T23:00+00:00", "2026-07-02T01:00Z", "03:00", id="no summer time"),
        pytest.param("2026-03-05T10:00Z", "2026-03-15T10:00Z", "05.03 14:00", id="days ago"),
    ],
)
def test_times_are_those_of_tbilisi_with_the_day_when_it_is_another(at, now, expected):
    said = text(Kind.DEVICE_BACK, at=datetime.fromisoformat(at), now=datetime.fromisoformat(now))

    assert said == f"Algeti-3: device is responding again ({expected})."


def test_the_zone_in_which_an_instant_is_given_makes_no_difference():
    elsewhere = AT.astimezone(timezone(timedelta(hours=-7)))

    assert text(Kind.DEVICE_BACK, at=elsewhere, now=elsewhere) == text(Kind.DEVICE_BACK)


def test_the_tight_form_is_taken_where_the_full_one_does_not_fit():
    said = text(Kind.TURBIDITY_HIGH, "ka", site="ქვემო ყარაბულახი-3")

    assert said == "ქვემო ყარაბულახი-3: სიმღვრივე 12.4>5 NTU 14:05. შეამოწმეთ წყალი."


def test_the_hour_gives_way_to_the_day_before_anything_else_is_lost():
    said = text(Kind.TURBIDITY_HIGH, "hy", site="Քվեմո Կարաբուլախ-3", now=AT + timedelta(days=1))

    assert said == "Քվեմո Կարաբուլախ-3. պղտորություն 12.4>5 NTU 20.11։ Ստուգեք ջուրը։"


def test_a_breach_without_its_value_cannot_be_told():
    with pytest.raises(ValueError, match="turbidity_high"):
        render(
            Kind.TURBIDITY_HIGH,
            Language.KA,
            site="x",
            value=None,
            limit=TURBIDITY,
            parameter=Parameter.TURBIDITY,
            at=AT,
            now=AT,
        )
