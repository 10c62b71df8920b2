"""The words for what is measured and how far it is trusted, which the tap and the pages say alike.

`msgid` marks a text for the catalogues in `firmware_config/locales`. The words claim no more than a probe can
support.
"""

from types import MappingProxyType

from firmware_config.catalogues import msgid
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter

PARAMETERS = MappingProxyType(
    {
        Parameter.TURBIDITY: msgid("Turbidity"),
        Parameter.PH: msgid("pH"),
        Parameter.FLOW: msgid("Flow"),
        Parameter.VOLUME: msgid("Volume"),
        Parameter.TEMPERATURE: msgid("Temperature"),
    }
)
# pH has no unit to show beside its name.
UNITS = MappingProxyType(
    {
        Parameter.TURBIDITY: msgid("NTU"),
        Parameter.PH: "",
        Parameter.FLOW: msgid("L/min"),
        Parameter.VOLUME: msgid("m³"),
        Parameter.TEMPERATURE: msgid("°C"),
    }
)
FLAGS = MappingProxyType(
    {
        Flag.GOOD: msgid("good"),
        Flag.UNKNOWN: msgid("not checked"),
        Flag.SUSPECT: msgid("in doubt"),
        Flag.FAIL: msgid("failed"),
        Flag.MISSING: msgid("no value"),
    }
)
WHYS = MappingProxyType(
    {
        Why.NONE: "",
        Why.PROBE_DISCONNECTED: msgid("the probe is not connected"),
        Why.PROBE_SATURATED: msgid("beyond what the probe can show"),
        Why.PROBE_STUCK: msgid("the probe shows the same value all the time"),
        Why.PROBE_NOISY: msgid("the samples lie too far apart"),
        Why.PROBE_NOT_SETTLED: msgid("the probe had not settled"),
        Why.PROBE_FAULT: msgid("the probe does not answer as it should"),
        Why.PROBE_SERVICED: msgid("a technician was at work"),
        Why.PROBE_UNCALIBRATED: msgid("the probe is not calibrated"),
        Why.OUT_OF_RANGE: msgid("outside what the probe can show"),
        Why.OUT_OF_CURVE: msgid("outside the calibrated range"),
        Why.UNUSUAL_VALUE: msgid("an unusual value"),
        Why.STAGNANT_SAMPLE: msgid("the water was standing"),
        Why.FIRST_FLUSH: msgid("first water after a pause"),
        Why.TEMPERATURE_UNKNOWN: msgid("the temperature of the water is not known"),
        Why.TEMPERATURE_OUT_OF_RANGE: msgid("too cold or too warm for the probe"),
        Why.NOT_RECORDED: msgid("not recorded"),
        Why.CLOCK_UNCERTAIN: msgid("the time is uncertain"),
        Why.SPIKE: msgid("one value that stands out from its neighbours"),
        Why.CHANGED_TOO_FAST: msgid("changed faster than water does"),
        Why.FLAT_LINE: msgid("the same value for hours"),
        Why.ATTENUATED_SIGNAL: msgid("it moves less than water does"),
        Why.AFTER_GAP: msgid("the first value after a long time without any"),
        Why.UNUSUAL_FOR_THE_MONTH: msgid("unusual for this month here"),
        Why.PROBES_DISTURBED: msgid("another probe of the device has just fallen silent"),
    }
)
