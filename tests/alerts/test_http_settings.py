"""What a person writes down about an HTTP gateway: usable, or refused with the reason and not the secret."""

import re
from importlib.resources import files

import pytest
from pydantic import SecretStr

from alerts.transports.http_settings import Call, HttpGatewaySettings, StatusCall, read_settings
from waterquality.errors import ConfigError

KEY = "s3cr3t-k3y/+="
SAMPLE = files("alerts").joinpath("transports", "http_gateway.sample.toml").read_text(encoding="utf-8")
SECRETS = {"secret": SecretStr(KEY)}


def test_the_sample_can_be_used():
    sample = read_settings(SAMPLE, SECRETS)

    assert sample.secret_fields["api_key"].get_secret_value() == KEY
    assert sample.answer.permanent_codes == {"105"}


def test_the_sample_explains_every_key():
    keys = set(re.findall(r"^(?:# )?(\w+) = ", SAMPLE, re.MULTILINE)) | set(
        re.findall(r"^\[(\w+)\]", SAMPLE, re.MULTILINE)
    )
    answer = HttpGatewaySettings.model_fields["answer"].annotation
    known = {name for model in (HttpGatewaySettings, Call, StatusCall, answer) for name in model.model_fields}

    assert keys - {"api_key"} == known


def test_the_defaults_that_the_sample_shows_are_the_defaults():
    shown = re.sub(r"^# (?=\w+ = )", "", SAMPLE, flags=re.MULTILINE)

    assert read_settings(shown, SECRETS) == read_settings(SAMPLE, SECRETS)


def test_every_key_of_the_sample_has_its_sentence():
    lines = SAMPLE.splitlines()
    keys = [
        number
        for number, line in enumerate(lines)
        if re.match(r"(# )?\w+ = ", line) and "api_key" not in line
    ]

    assert [lines[number] for number in keys if not lines[number - 1].startswith("## ")] == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('to = "{to}", ', "", "nothing carries ['to']"),
        ("{reference}", "{referense}", "unknown placeholders ['referense']"),
        ('# sender = ""', 'sendr = ""', "sendr"),
        ('"{text}"', '"{text} {sender}"', "sender is empty"),
        ("https://sms.example.org/api/send", "sms.example.org", "no http(s) address"),
        ("https://sms.example.org/api/send", "https://sms.example.org:99999/", "no http(s) address"),
        ("https://sms.example.org/api/send", "https://sms.example.org:port/", "send.url: "),
        ('fields = { messageId = "{message_id}" }', "", "{message_id} is missing"),
        ('"{message_id}"', '"{message_id}{to}"', "unknown placeholders ['to']"),
        ('PENDING = "accepted"', 'PENDING = "queued"', "`queued` is what we hold"),
        ('fate_path = "status"', "", "status.fate_path"),
        ('permanent_codes = ["105"]', 'permanent_codes = ["102"]', "both temporary and permanent: ['102']"),
        ('code_path = "errorCode"', "", "codes need a code_path"),
        ('success_words = ["true"]', "", "go together"),
        ('# encoding = "json"', 'encoding = "query"\nmethod = "GET"\nheaders = { a = 1 }', "headers.a"),
        ('# method = "POST"', 'method = "GET"', "GET carries its fields in the query"),
        ("# timeout_s = 10", "timeout_s = 0", "timeout_s"),
        ('# country_code = "995"', 'country_code = "+995"', "country_code"),
        ('api_key = "secret"', 'to = "secret"', "both in fields and in secret_fields: ['to']"),
        ('api_key = "secret"', 'api_key = "another"', "the secret 'another'"),
        ("[secret_fields]", "[secret_fieldz]", "secret_fields: Field required"),
        ("[send]", "[send", "the gateway's settings"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_the_reason(old, new, words):
    assert old in SAMPLE

    with pytest.raises(ConfigError, match=re.escape(words)) as refusal:
        read_settings(SAMPLE.replace(old, new), SECRETS)

    assert KEY not in str(refusal.value)


def test_fields_within_fields_cannot_be_a_form():
    with pytest.raises(ValueError, match="cannot travel as form"):
        Call.model_validate({"url": "http://x/", "encoding": "form", "fields": {"a": ["b"]}})
