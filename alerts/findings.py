"""What the rules at a water point find in an observation, with the little that some of them remember."""

from collections.abc import Iterator

from alerts.detectors import Detectors, Past, lived_through
from alerts.in_force import ObservedRule, RulesThere
from alerts.rules import RateRule, Trail, Verdict
from waterquality.readings import Observation


class Findings:
    """Asks the rules. Not thread-safe: its owner asks for one observation at a time, in the order taken.

    Args:
        detectors: those of events.
        past: tells what a device has sent before.
    """

    def __init__(self, detectors: Detectors, past: Past) -> None:
        self._detectors, self._past = detectors, past
        self._trails: dict[tuple[str, str, str], tuple[RateRule, Trail]] = {}

    def of(
        self, observation: Observation, water_point: str, rules: RulesThere, *, is_live: bool
    ) -> Iterator[tuple[ObservedRule, Verdict]]:
        """The rules that have something to say of an observation, and what.

        Args:
            observation: screened.
            water_point: where it was taken.
            rules: those in force there.
            is_live: whether it is newer than all before; only then is it compared with them.
        """
        for rule in rules.instants:
            verdict = rule.evaluate(observation)
            if verdict is not None:
                yield rule, verdict
        if is_live:
            for rate in rules.rates:
                verdict = rate.evaluate(observation, self._trail(rate, water_point, observation))
                if verdict is not None:
                    yield rate, verdict
            for event in rules.events:
                judged = self._detectors.judge((water_point, observation.device), observation)
                verdict = None if judged is None else event.evaluate(judged)
                if verdict is not None:
                    yield event, verdict

    def _trail(self, rule: RateRule, water_point: str, observation: Observation) -> Trail:
        """What a rate is judged against; made up from what was before when a device or a rule is new."""
        site = (water_point, observation.device)
        known = self._trails.get((rule.id, *site))
        if known is None or known[0] != rule:
            known = self._trails[rule.id, *site] = (rule, rule.begun())
            until_ms = observation.taken_ms
            for before in lived_through(self._past, site, until_ms - round(rule.within_s * 1000), until_ms):
                rule.evaluate(before, known[1])
        return known[1]
