"""What happens in the demonstration, as data, and the script that it follows.

An event says what is so between instants; the water and the probes are asked for any instant and look it up.
The script is written in minutes from the start of the demonstration, and is the same at any hour of the day:
the places where water must be running are those that have it all day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from waterquality.parameters import Parameter

_SADAKHLO = "marneuli-sadakhlo-spring"
_KAZRETI = "bolnisi-kazreti-tap"
_OROZMANI = "dmanisi-zemo-orozmani-spring"
_MANGLISI = "tetritsqaro-manglisi-reservoir"
_NARDEVANI = "tsalka-nardevani-spring"
_RUSTAVI = "rustavi-old-town-tap"


@dataclass(frozen=True, slots=True)
class MudEvent:
    """Mud reaches a water point and clears again.

    Attributes:
        water_point: id of the water point.
        at: when it begins; aware.
        peak_ntu: what it adds to the turbidity at its height, in NTU.
        rise_s: time constant of its onset, in seconds.
        decay_s: time constant of the recovery, in seconds.
    """

    water_point: str
    at: datetime
    peak_ntu: float
    rise_s: float
    decay_s: float


@dataclass(frozen=True, slots=True)
class AcidPulse:
    """Acid water, as below a mine: pH falls and recovers.

    Attributes:
        water_point: id of the water point.
        at: when it begins; aware.
        lowest_ph: pH at its height.
        rise_s: time constant of the fall, in seconds.
        decay_s: time constant of the recovery, in seconds.
    """

    water_point: str
    at: datetime
    lowest_ph: float
    rise_s: float
    decay_s: float


@dataclass(frozen=True, slots=True)
class StuckProbe:
    """A probe shows one and the same signal from `since` until `until`, whatever the water does."""

    water_point: str
    parameter: Parameter
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class SilentDevice:
    """A device without network from `since` until `until`; it goes on measuring."""

    water_point: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class DrySpell:
    """No rain begins anywhere from `since` until `until`, so that the script's own mud is all there is."""

    since: datetime
    until: datetime


Event = MudEvent | AcidPulse | StuckProbe | SilentDevice | DrySpell


def demo_events(start: datetime) -> tuple[Event, ...]:
    """The script of the demonstration.

    Yesterday a shower muddied Nardevani. Then, in minutes from the start: mud at Sadakhlo (above 4 NTU from
    about 5 to 65), a probe that sticks at Manglisi (3 to 83), a silent device at Zemo Orozmani (6 to 76),
    acid water at Kazreti (below pH 6.5 from about 15 to 60). When all that has healed, a burst main in
    Rustavi (100) and the next shower at Nardevani (110), so that texts in every language have been seen.

    Args:
        start: when the demonstration begins; aware.
    """

    def minute(number: float) -> datetime:
        return start + timedelta(minutes=number)

    return (
        DrySpell(minute(-36 * 60), minute(6 * 60)),
        MudEvent(_NARDEVANI, minute(-15 * 60), peak_ntu=4.8, rise_s=1500, decay_s=9000),
        MudEvent(_SADAKHLO, minute(2), peak_ntu=11.0, rise_s=240, decay_s=2350),
        StuckProbe(_MANGLISI, Parameter.TURBIDITY, minute(3), minute(83)),
        SilentDevice(_OROZMANI, minute(6), minute(76)),
        AcidPulse(_KAZRETI, minute(12), lowest_ph=5.2, rise_s=240, decay_s=1800),
        MudEvent(_RUSTAVI, minute(100), peak_ntu=8.0, rise_s=120, decay_s=1500),
        MudEvent(_NARDEVANI, minute(110), peak_ntu=7.0, rise_s=900, decay_s=5400),
    )
