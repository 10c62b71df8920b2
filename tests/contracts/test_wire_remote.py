"""Desired configurations and updates: golden messages, both ways, and what is neither."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterquality.wire.desired import (
    MAX_CONFIG_BYTES,
    MAX_CONFIG_LETTERS,
    Applied,
    AppliedState,
    Desired,
    decode_applied,
    decode_desired,
    encode_applied,
    encode_desired,
)
from waterquality.wire.rejection import Malformed
from waterquality.wire.updates import (
    MAX_ARTEFACT_BYTES,
    Manifest,
    Progress,
    UpdateState,
    as_numbers,
    decode_manifest,
    decode_offer,
    decode_progress,
    encode_manifest,
    encode_offer,
    encode_progress,
)

GOLDEN = Path(__file__).parent / "wire" / "v1"
TEXT = 'schema_version = 1\ndevice = "kk-0007"  # ზემო ქედი\n'
DECODERS = [decode_desired, decode_applied, decode_offer, decode_progress]


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def changed(name: str, **change: object) -> bytes:
    return json.dumps(json.loads(golden(name)) | change).encode()


def test_the_golden_configuration_is_read_as_it_always_was() -> None:
    desired = decode_desired(golden("config.json"))

    assert Desired(7, TEXT) == desired
    assert encode_desired(desired) + b"\n" == golden("config.json")


def test_the_golden_answers_to_a_configuration_are_read_as_they_always_were() -> None:
    applied, refused = (
        decode_applied(golden("config-applied.json")),
        decode_applied(golden("config-refused.json")),
    )
    sha256 = Desired(7, TEXT).sha256

    assert Applied(7, AppliedState.APPLIED, 7, sha256) == applied
    assert (
        Applied(
            8,
            AppliedState.REFUSED,
            7,
            sha256,
            "version 8: observe_every_s: should be greater than or equal to 0.1",
        )
        == refused
    )
    assert [applied, refused] == [decode_applied(encode_applied(each)) for each in (applied, refused)]


def test_the_golden_offer_is_read_as_it_always_was() -> None:
    offer = decode_offer(golden("update.json"))
    manifest = decode_manifest(offer.manifest)

    assert offer.url == f"https://water.example.org/updates/{'ab' * 32}"
    assert (
        Manifest(
            package="tskaro",
            version="0.2.0",
            sha256="ab" * 32,
            size=8123456,
            min_version="0.1.0",
            issued_ms=1763900101250,
        )
        == manifest
    )
    assert encode_offer(offer) + b"\n" == golden("update.json")
    assert encode_manifest(manifest) == offer.manifest


def test_the_golden_progress_of_an_update_is_read_as_it_always_was() -> None:
    progress = decode_progress(golden("update-applied.json"))

    expected = Progress("ab" * 32, "0.2.0", UpdateState.ROLLED_BACK, "0.1.0", "no receipt within 10 min")
    assert expected == progress
    assert progress == decode_progress(encode_progress(progress))


@pytest.mark.parametrize(
    "payload",
    [
        changed("config.json", version=0),
        changed("config.json", version=2**31),
        changed("config.json", version=7.0),
        changed("config.json", version=True),
        changed("config.json", version="7"),
        changed("config.json", text=7),
        changed("config.json", text=TEXT + "#"),
        changed("config.json", text="\ud800"),
        changed("config.json", sha256="0" * 64),
        changed("config.json", sha256="x" * 64),
        changed("config.json", more=[]),
        encode_desired(Desired(7, "#" * (MAX_CONFIG_LETTERS + 1))),
        encode_desired(Desired(7, "ქ" * MAX_CONFIG_LETTERS)),
        b" " * (MAX_CONFIG_BYTES + 1),
    ],
    ids=lambda payload: payload[:60].decode(),
)
def test_a_configuration_of_the_wrong_form_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        decode_desired(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"version": -1},
        {"state": "half"},
        {"state": None},
        {"running": 7},
        {"running": {}},
        {"running": {"version": 7, "sha256": "short"}},
        {"reason": "x" * 4001},
        {"reason": 7},
        {"running": {"version": 7, "sha256": "a" * 64, "more": [[]]}},
    ],
    ids=lambda change: str(change)[:60],
)
def test_an_answer_to_a_configuration_of_the_wrong_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        decode_applied(changed("config-applied.json", **change))


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://water.example.org/x"},
        {"url": "file:///etc/passwd"},
        {"url": "https://" + "x" * 1000},
        {"signature": "c2hvcnQ="},
        {"signature": "***"},
        {"signature": 7},
        {"manifest": {"package": "tskaro"}},
        {"manifest": "x" * 3000},
    ],
    ids=lambda change: str(change)[:60],
)
def test_an_offer_of_the_wrong_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        decode_offer(changed("update.json", **change))


@pytest.mark.parametrize(
    "change",
    [
        {"package": "../tskaro"},
        {"version": "0.2.0rc1"},
        {"version": "../../etc"},
        {"version": "1"},
        {"min_version": ""},
        {"size": 0},
        {"size": MAX_ARTEFACT_BYTES + 1},
        {"size": 10.5},
        {"sha256": "AB" * 32},
        {"issued": "now"},
        {"downgrade": 1},
        {"downgrade": None},
    ],
    ids=str,
)
def test_a_manifest_of_the_wrong_form_is_refused(change: dict[str, object]) -> None:
    manifest = json.loads(decode_offer(golden("update.json")).manifest)
    with pytest.raises(Malformed):
        decode_manifest(json.dumps(manifest | change))


@pytest.mark.parametrize(
    "change", [{"state": "done"}, {"sha256": ""}, {"version": 2}, {"running": None}], ids=str
)
def test_a_progress_of_the_wrong_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        decode_progress(changed("update-applied.json", **change))


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(payload: bytes) -> None:
    for decode in DECODERS:
        with pytest.raises(Malformed):
            decode(payload)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    ),
    st.sampled_from(
        ["version", "text", "sha256", "state", "reason", "running", "url", "manifest", "signature"]
    ),
    st.sampled_from(["config", "config-applied", "update", "update-applied"]),
)
def test_no_json_does_more_than_be_refused(value: object, key: str, name: str) -> None:
    payload = changed(f"{name}.json", **{key: value})
    for decode in DECODERS:
        try:
            decode(payload)
        except Malformed:
            continue


def test_versions_are_compared_as_numbers() -> None:
    in_order = ["", "dirty", "0.1", "0.1.1", "0.2.0", "0.9.12", "0.10.0", "1.0.0", "1.0.0.1"]

    assert sorted(in_order, key=as_numbers) == in_order
    assert as_numbers("1.0") == as_numbers("1.0.0")
    assert as_numbers("0.0.0") == as_numbers("dirty") == ()


def test_every_field_of_a_manifest_is_under_the_signature() -> None:
    manifest = decode_manifest(decode_offer(golden("update.json")).manifest)
    others = [
        replace(manifest, package="other"),
        replace(manifest, version="0.2.1"),
        replace(manifest, sha256="cd" * 32),
        replace(manifest, size=1),
        replace(manifest, min_version="0.0.1"),
        replace(manifest, issued_ms=1000),
        replace(manifest, allows_downgrade=True),
    ]

    assert len({encode_manifest(each) for each in (manifest, *others)}) == 8
