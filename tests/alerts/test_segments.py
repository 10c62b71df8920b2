"""Lengths of SMS texts, against the chart of the standard and the facts measured for our languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.segments import Encoding, encoding_of, segments

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count", "room_left"),
    [
        pytest.param("", GSM, 0, 1, 160, id="an empty text is one segment"),
        pytest.param("a" * 160, GSM, 160, 1, 0, id="160 plain letters fill one segment"),
        pytest.param("a" * 161, GSM, 161, 2, 145, id="the 161st begins a second of 153"),
        pytest.param("a" * 306, GSM, 306, 2, 0, id="306 fill two"),
        pytest.param("a" * 307, GSM, 307, 3, 152, id="the 307th begins a third"),
        pytest.param("წ" * 70, UCS, 70, 1, 0, id="70 Georgian letters fill one segment"),
        pytest.param("წ" * 71, UCS, 71, 2, 63, id="the 71st begins a second of 67"),
        pytest.param("წ" * 134, UCS, 134, 2, 0, id="134 fill two"),
        pytest.param("a" * 70 + "ə", UCS, 71, 2, 63, id="one schwa makes the whole text UCS-2"),
        pytest.param("[" * 80, GSM, 160, 1, 0, id="a bracket costs two septets"),
        pytest.param("a" * 152 + "[" + "a" * 151, GSM, 305, 2, 0, id="a bracket never parts"),
        pytest.param("💧" * 35, UCS, 70, 1, 0, id="a drop emoji is two code units"),
        pytest.param("💧" * 36, UCS, 72, 2, 61, id="an emoji never parts: 33 in the first segment of 67"),
    ],
)
def test_a_text_is_counted_as_the_standard_counts(text, encoding, units, count, room_left):
    found = segments(text)

    assert (found.encoding, found.units, found.count, found.room_left) == (encoding, units, count, room_left)


def test_the_default_alphabet_has_127_characters_and_the_extension_ten():
    gsm = [letter for letter in map(chr, range(0x10000)) if encoding_of(letter) is GSM]
    double = [letter for letter in gsm if segments(letter).units == 2]

    assert len(gsm) - len(double) == 127  # 128 codes less ESC
    assert sorted(double) == sorted("\f^{}\\[~]|€")


@pytest.mark.parametrize("letter", "öÖüÜÇ@£¿ñΔΩ")
def test_letters_of_the_default_alphabet_stay_gsm(letter):
    assert encoding_of(letter) is GSM


@pytest.mark.parametrize("letter", "əƏşŞçğĞıİ" + "წՋЖ" + "“”–№°≥…\u00a0\t`")
def test_letters_outside_it_make_ucs_2(letter):
    assert encoding_of(letter) is UCS


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_ucs_2_units_are_utf_16_code_units_and_all_of_them_find_room(text):
    found = segments(text)
    size = found.encoding.single if found.count == 1 else found.encoding.part

    if found.encoding is UCS:
        assert found.units == len(text.encode("utf-16-be")) // 2
    assert 0 <= found.room_left <= size
    # A pair that does not fit leaves at most one unit of its segment empty.
    assert 0 <= found.count * size - found.room_left - found.units <= found.count - 1
