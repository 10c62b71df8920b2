"""Events: changes in the water that no limit names, found as they happen and told in one sentence.

One `Detector` for each water point, one call for each observation, in event time. Pure: no I/O, no clock, and
nothing beyond the standard library. How it decides, and what was tried, is in ADR 0026.
"""
