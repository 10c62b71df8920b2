"""No claim that the probe cannot support."""

import pytest

from waterquality.limits import Capability, Limit, Method, why_not_evidenced
from waterquality.parameters import Parameter


def limit(high: float | None = 4.0, low: float | None = None) -> Limit:
    return Limit(Parameter.TURBIDITY, low, high, "who-2017")


def probe(**changed: object) -> Capability:
    given: dict[str, object] = {
        "parameter": Parameter.TURBIDITY,
        "method": Method.NEPHELOMETRIC,
        "span": (0.0, 100.0),
        "detection_limit": 0.3,
        "uncertainty": 0.3,
        "uncertainty_share": 0.05,
    }
    return Capability(**{**given, **changed})  # type: ignore[arg-type]


def test_a_nephelometer_evidences_4_ntu() -> None:
    assert why_not_evidenced(limit(), probe()) == ""


@pytest.mark.parametrize(
    ("limited", "capability", "words"),
    [
        pytest.param(limit(), probe(method=Method.INDICATIVE), "indicative", id="an indicative probe"),
        pytest.param(limit(0.2), probe(), "below the detection limit of 0.3 NTU", id="below detection"),
        pytest.param(
            limit(400), probe(), "outside what the probe can show (0 to 100 NTU)", id="beyond its span"
        ),
        pytest.param(
            limit(1), probe(), "uncertain by 0.35 NTU; at most 0.3 NTU", id="too uncertain, by arithmetic"
        ),
    ],
)
def test_a_claim_beyond_the_probe_is_refused_with_the_arithmetic(
    limited: Limit, capability: Capability, words: str
) -> None:
    assert words in why_not_evidenced(limited, capability)


def test_ph_may_be_uncertain_by_a_fifth_of_a_unit() -> None:
    limited = Limit(Parameter.PH, 6.5, 8.5, "who-2017")
    electrode = probe(
        parameter=Parameter.PH, method=Method.POTENTIOMETRIC, span=(0.0, 14.0), uncertainty_share=0.0
    )

    assert why_not_evidenced(limited, Capability(**{**_plain(electrode), "uncertainty": 0.1})) == ""
    assert "uncertain by 0.3 pH" in why_not_evidenced(limited, electrode)


def _plain(capability: Capability) -> dict[str, object]:
    return {name: getattr(capability, name) for name in capability.__dataclass_fields__}
