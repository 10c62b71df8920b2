"""What the page is told when it is put together; nothing here is read from a file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How the page behaves.

    Attributes:
        has_phone: whether the demo's on-screen phone is shown.
        is_simulated: whether the water is simulated; a banner says so on every page.
        time_factor: how many seconds of `now()` pass in one real second; above 0.
        tile_url: URL pattern of map tiles with {z}, {x} and {y}; "" for a plain grid and no foreign host.
        public_url: where people find the pages; "" takes the address that a reader came by.
        stale_after_s: age in seconds beyond which a reading counts as unknown; above 0.
    """

    has_phone: bool = False
    is_simulated: bool = False
    time_factor: float = 1.0
    tile_url: str = ""
    public_url: str = ""
    stale_after_s: float = 1800.0
