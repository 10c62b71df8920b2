"""Every kind of text in every language, in its own letters and in Latin ones, as it is and at its widest."""

import pytest

from alerts.ports import Kind
from alerts.preview import Sample, longest_name, usual_samples, widest_samples
from alerts.segments import Encoding, encoding_of
from alerts.texts import check_site_name, extremes_of
from waterquality.languages import Language

every_language = pytest.mark.parametrize("language", list(Language), ids=str)
both_letters = pytest.mark.parametrize("is_latin", [False, True], ids=["own letters", "Latin letters"])


@every_language
@both_letters
def test_at_its_widest_every_text_is_one_segment_with_the_longest_name_whole_in_it(language, is_latin):
    samples = list(widest_samples(language, is_latin=is_latin))

    assert [(sample.kind, sample.why_not, sample.text) for sample in samples if sample.why_not] == []
    assert {sample.kind for sample in samples} == set(Kind)
    # each extreme of each kind, told on the day itself and later, of a confirmed limit and another
    assert len(samples) == sum(4 * len(extremes_of(kind)) for kind in Kind)


@every_language
def test_the_longest_name_is_one_that_is_let_in_and_one_letter_more_is_not(language):
    name = longest_name(language)

    assert check_site_name(name, language) == ""
    assert "at most" in check_site_name(name + name[0], language)


@every_language
@both_letters
def test_as_it_usually_is_every_text_is_whole(language, is_latin):
    samples = list(usual_samples(language, is_latin=is_latin))

    assert [sample.kind for sample in samples] == list(Kind)
    assert {sample.why_not for sample in samples} == {""}


def test_in_latin_letters_a_text_has_the_room_of_the_gsm_alphabet():
    for language in Language:
        for sample in widest_samples(language, is_latin=True):
            assert sample.segmentation.encoding is Encoding.GSM_7, sample.text


def test_english_holds_no_letter_outside_the_gsm_alphabet_and_azerbaijani_travels_as_ucs_2():
    english = [*usual_samples(Language.EN), *widest_samples(Language.EN)]
    azerbaijani = [*usual_samples(Language.AZ, site="Sadaxli"), *usual_samples(Language.AZ)]

    assert {encoding_of(sample.text) for sample in english} == {Encoding.GSM_7}
    # pH and its number alone may happen to need no letter of their own
    ucs_2 = [sample.kind for sample in azerbaijani if sample.segmentation.encoding is Encoding.UCS_2]
    assert {Kind.TURBIDITY_HIGH, Kind.ALL_CLEAR} <= set(ucs_2)


def test_the_full_form_is_sent_in_latin_letters_where_only_the_tight_one_has_room_in_ones_own():
    def said(is_latin):
        samples = usual_samples(Language.KA, site="ქვემო ყარაბულახი-3", is_latin=is_latin)
        return next(sample.text for sample in samples if sample.kind is Kind.TURBIDITY_HIGH)

    assert said(is_latin=False) == "ქვემო ყარაბულახი-3: სიმღვრივე 12.4>5 NTU 14:05. შეამოწმეთ წყალი."
    assert said(is_latin=True) == (
        "kvemo q'arabulakhi-3: simghvrive 12.4 NTU, zghvari 5 (14:05). sheamots'met ts'q'ali."
    )


def test_a_text_that_costs_two_segments_or_lost_its_name_says_so():
    two = Sample(Language.KA, Kind.PH_OUT, False, False, "წ", "წ" * 71)
    cut = Sample(Language.KA, Kind.PH_OUT, False, False, "ალგეთი", "ალგ: pH 9.1")

    assert two.why_not == "2 segments"
    assert "does not stand whole" in cut.why_not
