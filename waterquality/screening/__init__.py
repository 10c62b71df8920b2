"""Screening: deciding the flag of a reading, by the tests that QARTOD names.

One test a file; each is a pure function that returns its judgement and the reason, and says in its first lines
where the definition is from and in what it differs from ioos_qc, the reference in Python. `settings` says by
which bounds; `series` asks the tests as readings come; `track` follows a whole device and lets the worst
judgement win.
"""

from waterquality.screening.gross_range import Spans, gross_range
from waterquality.screening.own import MAX_CLOCK_UNCERTAINTY_S, is_time_uncertain, screen_reading
from waterquality.screening.settings import DEFAULT_SPANS, DEFAULTS, Bounds
from waterquality.screening.track import Track

__all__ = [
    "DEFAULTS",
    "DEFAULT_SPANS",
    "MAX_CLOCK_UNCERTAINTY_S",
    "Bounds",
    "Spans",
    "Track",
    "gross_range",
    "is_time_uncertain",
    "screen_reading",
]
