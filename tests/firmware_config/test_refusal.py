import os
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from firmware_config.datasheet import Datasheet, load
from firmware_config.errors import ConfigRefused, Problem
from firmware_config.layers import LayeredSettings, load_layered
from firmware_config.refusal import config_error, did_you_mean, problems_in
from firmware_config.schema import leaves


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Circle(Strict):
    kind: Literal["circle"]
    radius: float


class Square(Strict):
    kind: Literal["square"]
    width: float = 1.0


class Drawing(Strict):
    title: str = ""
    shapes: tuple[Annotated[Circle | Square, Field(discriminator="kind")], ...] = ()
    named: dict[str, Circle] = Field(default_factory=dict)
    back: Circle | None = None
    pin: SecretStr | None = None


def found(table, model=Drawing):
    with pytest.raises(ValidationError) as error:
        model.model_validate(table)
    return [(problem.key, problem.reason) for problem in problems_in(error.value, model)]


@pytest.mark.parametrize(
    ("table", "key", "reason"),
    [
        ({"titel": ""}, "titel", "unknown key; did you mean `title`?"),
        ({"back": {"kind": "circle"}}, "back.radius", "is required"),
        (
            {"shapes": [{"kind": "square"}, {"kind": "square", "widht": 1}]},
            "shapes[1].widht",
            "unknown key; did you mean `width`?",
        ),
        (
            {"named": {"sun": {"kind": "circle", "radius": 1, "radios": 2}}},
            "named.sun.radios",
            "unknown key; did you mean `radius`?",
        ),
        (
            {"back": {"kind": "circle", "radius": 1, "raduis": 2}},
            "back.raduis",
            "unknown key; did you mean `radius`?",
        ),
    ],
)
def test_a_key_path_is_written_as_it_stands_in_the_file(table, key, reason):
    assert found(table) == [(key, reason)]


def test_a_misspelt_key_of_a_datasheet_is_found_behind_its_kind():
    sheet = load("sen0189").model_dump()
    sheet["signal"] = {**sheet["signal"], "live_vots": [0, 1]}

    assert found(sheet, Datasheet) == [("signal.live_vots", "unknown key; did you mean `live_volts`?")]


def test_a_span_that_runs_backwards_is_refused():
    sheet = load("sen0189").model_dump() | {"span": [3000.0, 0.0]}

    assert found(sheet, Datasheet) == [("span", "the first number must be the smaller one")]


def test_a_refusal_has_a_line_for_each_problem_and_repeats_no_value():
    with pytest.raises(ValidationError) as error:
        Drawing.model_validate({"title": 3, "pin": ["hush-hush"], "zzz": "hush-hush"})

    refused = config_error("drawing.toml", error.value, Drawing)

    assert isinstance(refused, ConfigRefused)
    assert str(refused).splitlines() == [
        "drawing.toml: title: should be a valid string",
        "drawing.toml: pin: should be a valid string",
        "drawing.toml: zzz: unknown key",
    ]


def test_a_problem_of_the_file_itself_needs_no_key():
    assert str(Problem("", "no such file", "device.toml")) == "device.toml: no such file"


def test_nothing_is_suggested_where_nothing_is_near():
    assert did_you_mean("turbidity", ["ph", "flow"]) == ""


def test_leaves_are_the_keys_that_hold_values_at_every_depth():
    assert {".".join(keys) for keys, _ in leaves(Drawing)} == {
        "title",
        "shapes.*.kind",
        "shapes.*.radius",
        "shapes.*.width",
        "named.*.kind",
        "named.*.radius",
        "back.kind",
        "back.radius",
        "pin",
    }


class Hosts(LayeredSettings):
    hosts: tuple[str, ...] = ()
    pin: SecretStr | None = None


@pytest.fixture(autouse=True)
def _no_variables_of_this_machine(monkeypatch):
    for name in os.environ:
        if name.upper().startswith("TSKARO_"):
            monkeypatch.delenv(name)


def test_a_list_in_a_variable_is_json_and_refused_otherwise(tmp_path, monkeypatch):
    file = tmp_path / "hosts.toml"
    file.touch()
    monkeypatch.setenv("TSKARO_HOSTS", '["a", "b"]')
    assert load_layered(Hosts, file).hosts == ("a", "b")

    monkeypatch.setenv("TSKARO_HOSTS", "a, b")
    with pytest.raises(ConfigRefused, match=r"environment: .*hosts"):
        load_layered(Hosts, file)


def test_a_secret_at_the_top_has_a_file_of_its_own(tmp_path):
    file = tmp_path / "hosts.toml"
    file.touch()
    (tmp_path / "tskaro_pin").write_text("1234")

    assert load_layered(Hosts, file, secrets_dir=tmp_path).pin.get_secret_value() == "1234"
