"""Texts in Latin letters: total, GSM 7-bit only, and as the tables of each language say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.latin import to_latin
from alerts.phrasebook import phrasebook
from alerts.segments import Encoding, encoding_of
from waterquality.languages import Language

ALPHABETS = {
    "ka": ("აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ", "abgdevztik'lmnop'zhrst'upkghq'shchtsdzts'ch'khjh"),
    "hy": (
        "բգդզթժլխծկհձղճմյնշչպջռսվտրցփքֆ",
        "bgdzt'zhlkhtskhdzghchmynshch'pjrrsvtrts'p'k'f",
    ),
    "ru": ("абвгджзийклмнопрстуфхцчшщъыьэюя", "abvgdzhziyklmnoprstufkhtschshshch\"y'eyuya"),
    "az": ("aəbcçdefgğhxıijkqlmnoöprsştuüvyz", "aebccdefgghxiijkqlmnoöprsstuüvyz"),
}
THE_SCRIPTS = st.text(
    st.characters(min_codepoint=0x400, max_codepoint=0x45F)
    | st.characters(min_codepoint=0x531, max_codepoint=0x58A)
    | st.characters(min_codepoint=0x10D0, max_codepoint=0x10FF)
    | st.characters(min_codepoint=0x1C90, max_codepoint=0x1CBF)
    | st.sampled_from("əƏğĞşŞçÇıIiİ։՝«»“”’–—…№°≥ \u00a0-'")
)


@pytest.mark.parametrize(("letters", "expected"), ALPHABETS.values(), ids=ALPHABETS.keys())
def test_every_letter_is_written_as_its_table_says(letters, expected):
    assert to_latin(letters) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("შეამოწმეთ წყალი", "sheamots'met ts'q'ali", id="ka: what a text says"),
        pytest.param("ᲐᲚᲒᲔᲗᲘ", "ALGETI", id="ka: Mtavruli capitals"),
        pytest.param("Երևան", "Yerevan", id="hy: ye at the beginning, ev inside"),
        pytest.param("երեք և երբ", "yerek' yev yerb", id="hy: and"),
        pytest.param("Ոսկեպար", "Voskepar", id="hy: vo at the beginning"),
        pytest.param("ով ինքն ովքեր", "ov ink'n vovk'er", id="hy: but not in who"),
        pytest.param("ջուր, Ուրբաթ, նաիե", "jur, Urbat', naiye", id="hy: u of two letters, ye after a vowel"),
        pytest.param("Ստուգեք ջուրը։", "Stugek' jury.", id="hy: the full stop"),
        pytest.param("ՋՈՒՐ", "JUR", id="hy: capitals"),
        pytest.param("Елена поехала", "Yelena poyekhala", id="ru: ye at the beginning and after a vowel"),
        pytest.param("подъезд, ель", "pod\"yezd, yel'", id="ru: ye after the hard sign"),
        pytest.param("Щукин ЩУКА ёж", "Shchukin SHCHUKA yozh", id="ru: one letter that is four"),
        pytest.param("Проверьте воду.", "Prover'te vodu.", id="ru: what a text says"),
        pytest.param("Şüləver İLK ılıq ÇAY", "Sülever ILK iliq CAY", id="az"),
        pytest.param("Aşağı Qarabulaq", "Asagi Qarabulaq", id="az: a village"),
        pytest.param("25 °C – “ok”…", '25 C - "ok"...', id="signs"),
        pytest.param("ΣΑΜ ñ ś 水", "Σ?? ñ s ?", id="what no table knows"),
    ],
)
def test_words_are_written_as_their_language_says(text, expected):
    assert to_latin(text) == expected


@given(st.text())
def test_whatever_comes_in_only_gsm_letters_come_out(text):
    assert encoding_of(to_latin(text)) is Encoding.GSM_7


@given(THE_SCRIPTS)
def test_of_the_five_languages_too(text):
    assert encoding_of(to_latin(text)) is Encoding.GSM_7


@given(THE_SCRIPTS)
def test_what_is_latin_stays_as_it_is(text):
    once = to_latin(text)

    assert to_latin(once) == once


@given(st.sampled_from(Language), st.data())
def test_no_letter_of_a_text_is_lost_or_unknown(language, data):
    forms = [form for forms in phrasebook(language).texts.values() for form in forms]
    form = data.draw(st.sampled_from(forms))

    latin = to_latin(form)

    assert "?" not in latin
    assert len(latin) >= sum(letter.isalnum() for letter in form)
