"""Why something that arrived cannot be taken in. A closed list, counted and shown by these names."""

from enum import StrEnum

from waterquality.errors import RejectedError


class Rejection(StrEnum):
    """The reason an arrival went into quarantine."""

    TOO_LARGE = "too_large"
    BAD_DEFLATE = "bad_deflate"
    NOT_JSON = "not_json"
    NOT_SENML = "not_senml"
    WRONG_TOPIC = "wrong_topic"
    WRONG_DEVICE = "wrong_device"
    WRONG_EPOCH = "wrong_epoch"
    WRONG_TYPE = "wrong_type"
    WRONG_UNIT = "wrong_unit"
    UNKNOWN_PARAMETER = "unknown_parameter"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_WORD = "unknown_word"
    NOT_FINITE = "not_finite"
    TIME_TOO_OLD = "time_too_old"
    TIME_IN_FUTURE = "time_in_future"
    OUTSIDE_ENVELOPE = "outside_envelope"
    ABSENT_FROM_BATCH = "absent_from_batch"
    DOUBLED_SEQUENCE = "doubled_sequence"
    SEQUENCE_CONFLICT = "sequence_conflict"
    UNKNOWN_DEVICE = "unknown_device"
    NO_DEPLOYMENT = "no_deployment"
    REFUSED_BY_STORE = "refused_by_store"
    DEFECT = "defect"


class Malformed(RejectedError):
    """A pack, or one record of it, that breaks the wire format; mended by nobody.

    Attributes:
        reason: which rule it breaks.
    """

    def __init__(self, reason: Rejection, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
