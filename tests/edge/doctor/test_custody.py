"""All is well only after a receipt has come back for an observation that was seen going out."""

import pytest

from edge.doctor.custody import ReceiptWatch, Stage, receipt
from edge.doctor.findings import Severity, worst
from edge.outbox import Depth

EPOCH = "9f1c2a7e"


def depth(head: int, held: int, *, in_gaps: int = 0) -> Depth:
    return Depth(head, held, max(0, head - held + 1), in_gaps, None)


def seen(*depths: Depth | tuple[str, Depth]) -> ReceiptWatch:
    first, *rest = (each if isinstance(each, tuple) else (EPOCH, each) for each in depths)
    watch = ReceiptWatch(*first)
    for epoch, now in rest:
        watch.see(epoch, now)
    return watch


@pytest.mark.parametrize(
    ("depths", "stage"),
    [
        pytest.param([depth(10, 11)], Stage.WAITING_FOR_OBSERVATION, id="nothing new"),
        pytest.param(
            [depth(10, 8), depth(10, 11)], Stage.WAITING_FOR_OBSERVATION, id="only what was there before left"
        ),
        pytest.param([depth(10, 11), depth(11, 11)], Stage.WAITING_FOR_RECEIPT, id="a new one waits"),
        pytest.param(
            [depth(10, 8), depth(11, 8), depth(12, 11)], Stage.WAITING_FOR_RECEIPT, id="those before it left"
        ),
        pytest.param([depth(10, 11), depth(11, 11), depth(11, 12)], Stage.RECEIPTED, id="it left"),
        pytest.param(
            [depth(10, 11), depth(11, 12)], Stage.RECEIPTED, id="it came and left between two looks"
        ),
        pytest.param(
            [depth(10, 11), depth(11, 11), depth(11, 12, in_gaps=1)], Stage.DROPPED, id="it became a gap"
        ),
        pytest.param(
            [depth(10, 1), depth(11, 1), ("00000000", depth(0, 1))], Stage.DROPPED, id="a new epoch"
        ),
    ],
)
def test_how_far_the_proof_has_come(depths: list[Depth], stage: Stage) -> None:
    assert seen(*depths).stage is stage


def test_only_a_receipt_is_well() -> None:
    for stage in Stage:
        watch = ReceiptWatch(EPOCH, depth(1, 1), seq=2, stage=stage)
        found = receipt(watch, waited_s=60.0)
        assert (found.severity is Severity.WELL) is (stage is Stage.RECEIPTED)


def test_nothing_looked_at_is_not_well() -> None:
    assert worst([]) is Severity.UNSEEN
