"""A stretch of time that ends by itself, on a machine whose wall clock may jump and whose power may fail.

**Invariant**: it never lasts longer than it was meant to within one boot, whatever becomes of the wall clock; a
restart of the machine adds at most its own length, and only while the wall clock says that it is still on.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

from edge.clock import Instant

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A stretch of time.

    Attributes:
        began_wall_ms: wall time when it began, milliseconds since 1970.
        began_boottime_ms: milliseconds since boot when it began.
        boot_id: the boot it began in.
        lasting_ms: its length.
    """

    began_wall_ms: int
    began_boottime_ms: int
    boot_id: str
    lasting_ms: int

    @classmethod
    def beginning(cls, now: Instant, lasting_s: float) -> Self:
        """A term that begins now and lasts so many seconds."""
        return cls(
            began_wall_ms=now.wall_ms,
            began_boottime_ms=now.boottime_ms,
            boot_id=now.boot_id,
            lasting_ms=round(lasting_s * _MS_PER_S),
        )

    def left_s(self, now: Instant) -> float:
        """Seconds that are left of it; 0 when it is over."""
        since_boot_ms = now.boottime_ms - (self.began_boottime_ms if now.boot_id == self.boot_id else 0)
        left_ms = self.lasting_ms - since_boot_ms
        if now.boot_id != self.boot_id:
            left_ms = min(left_ms, self.began_wall_ms + self.lasting_ms - now.wall_ms)
        return max(0, left_ms) / _MS_PER_S

    def is_running(self, now: Instant) -> bool:
        """Whether it is not over."""
        return self.left_s(now) > 0

    def as_table(self) -> dict[str, Any]:
        """What `of_table` reads back."""
        return asdict(self)

    @classmethod
    def of_table(cls, table: Any) -> Self:
        """The term that was written.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(
                began_wall_ms=int(table["began_wall_ms"]),
                began_boottime_ms=int(table["began_boottime_ms"]),
                boot_id=str(table["boot_id"]),
                lasting_ms=int(table["lasting_ms"]),
            )
        except (KeyError, TypeError, OverflowError) as error:
            message = f"no term: {error!r}"
            raise ValueError(message) from error
