"""What `tskaro-edge status` says of the SIM."""

import pytest

from edge.tap.speaking import speech_of
from edge.tap.standing import _sent
from waterquality.languages import Language


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"bytes_this_month": 3_123_456}, "3.12 MB"),
        ({"bytes_this_month": 3_123_456, "forecast_bytes": None, "cap_bytes": None}, "3.12 MB"),
        ({"bytes_this_month": 3_123_456, "forecast_bytes": 4_100_000, "cap_bytes": None}, "3.12 → 4.10 MB"),
        (
            {"bytes_this_month": 3_123_456, "forecast_bytes": 4_100_000, "cap_bytes": 50_000_000},
            "3.12 → 4.10 / 50 MB",
        ),
    ],
)
def test_what_was_sent_stands_beside_the_forecast_and_the_cap(told: dict[str, int | None], said: str) -> None:
    assert speech_of(Language.EN).say(_sent(told)) == said
    assert speech_of(Language.KA).say(_sent(told)) == said.replace("MB", "მბ")
