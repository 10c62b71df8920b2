"""Whether a receipt comes back for an observation that was seen going out: the one proof that the whole way works.

Pure: it is told how the outbox stands, again and again. A record counts as receipted only when it left the outbox
without becoming a gap and within the same epoch.
"""

from dataclasses import dataclass
from enum import StrEnum

from edge.doctor.findings import Finding, Severity, well
from edge.outbox import Depth
from firmware_config.catalogues import said


class Stage(StrEnum):
    """How far the proof has come."""

    WAITING_FOR_OBSERVATION = "waiting_for_observation"
    WAITING_FOR_RECEIPT = "waiting_for_receipt"
    RECEIPTED = "receipted"
    DROPPED = "dropped"


@dataclass(slots=True)
class ReceiptWatch:
    """Follows one observation.

    Attributes:
        epoch: of the outbox when the watch began.
        began: how it stood then.
        seq: number of the observation that is followed; None until one appears.
        stage: how far the proof has come.
    """

    epoch: str
    began: Depth
    seq: int | None = None
    stage: Stage = Stage.WAITING_FOR_OBSERVATION

    def see(self, epoch: str, depth: Depth) -> Stage:
        """Take in how the outbox stands now."""
        if self.stage in (Stage.RECEIPTED, Stage.DROPPED):
            return self.stage
        if epoch != self.epoch or depth.in_gaps != self.began.in_gaps:
            self.stage = Stage.DROPPED
        elif self.seq is None:
            if depth.head > self.began.head:
                self.seq, self.stage = depth.head, Stage.WAITING_FOR_RECEIPT
                return self.see(epoch, depth)
        elif depth.held > self.seq:
            self.stage = Stage.RECEIPTED
        return self.stage


def receipt(watch: ReceiptWatch, *, waited_s: float) -> Finding:
    """What the proof came to.

    Args:
        watch: at its end.
        waited_s: how long it went on, in seconds.
    """
    match watch.stage:
        case Stage.RECEIPTED:
            words = said("Observation %(seq)d went out, and its receipt came back.", seq=watch.seq)
            return well("receipt", words)
        case Stage.WAITING_FOR_OBSERVATION:
            return Finding(
                "receipt",
                Severity.UNSEEN,
                said("No new observation was recorded within %(waited).0f s.", waited=waited_s),
                said("Is the agent running? systemctl status tskaro-edge. If it is, wait longer: --wait 300"),
            )
        case Stage.WAITING_FOR_RECEIPT:
            missing = said(
                "Observation %(seq)d was recorded, and no receipt came within %(waited).0f s.",
                seq=watch.seq,
                waited=waited_s,
            )
            return Finding(
                "receipt",
                Severity.UNSEEN,
                missing,
                said(
                    "Look at the broker's findings above. If they are well, the server does not take it in: is the"
                    " device registered, is tskaro ingest running? Nothing is lost meanwhile."
                ),
            )
        case Stage.DROPPED:
            return Finding(
                "receipt",
                Severity.UNSEEN,
                said("The outbox began anew or dropped records while we looked."),
                said("Run the doctor again; if it stays so, look at the disk."),
            )
