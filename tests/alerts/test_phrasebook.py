"""What translators write: complete, or refused with the place that is wrong."""

import re
from importlib.resources import files

import pytest

from alerts.phrasebook import FACTS, phrasebook, read
from waterquality.errors import ConfigError
from waterquality.languages import Language


@pytest.mark.parametrize("language", list(Language))
def test_no_phrasebook_passes_for_reviewed_before_a_native_speaker_has_signed_it(language):
    assert phrasebook(language).reviewed_by == ""


def toml(**changes):
    book = phrasebook(Language.EN).model_dump(mode="json") | changes
    tables = {name: value for name, value in book.items() if isinstance(value, dict)}
    lines = [f"reviewed_by = {book['reviewed_by']!r}"]
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [
            f"{key} = {list(value) if isinstance(value, tuple) else value!r}" for key, value in table.items()
        ]
    return "\n".join(lines)


def test_a_phrasebook_reads_back_as_it_was():
    assert read(toml(), "en.toml") == phrasebook(Language.EN)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        pytest.param(lambda: toml(names={"ph": "pH"}), "turbidity", id="a parameter without a name"),
        pytest.param(lambda: toml(texts={"ph_out": ["{site}: pH"]}), "all_clear", id="a kind without a text"),
        pytest.param(lambda: toml(texts={"ph_out": []}), "at least 1", id="a kind without a form"),
        pytest.param(lambda: toml(texts={"ph_out": ["{site}: {valu}"]}), "valu", id="a misspelt placeholder"),
        pytest.param(lambda: toml(texts={"ph_out": ["pH"]}), "{site} is missing", id="a text of nowhere"),
        pytest.param(lambda: toml(texts={"ph_in": ["{site}"]}), "ph_in", id="a kind there is not"),
        pytest.param(lambda: "reviewed_by = ", "xx.toml", id="no TOML"),
    ],
)
def test_a_wrong_phrasebook_is_refused_and_says_where(wrong, named):
    with pytest.raises(ConfigError, match=re.escape(named)) as refusal:
        read(wrong(), "xx.toml")

    assert "xx.toml" in str(refusal.value)


def test_every_placeholder_is_explained_to_the_translator():
    guide = files("alerts").joinpath("templates", "README.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `\{(\w+)\}`", guide, re.MULTILINE)) == FACTS
