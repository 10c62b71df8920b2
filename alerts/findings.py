"""What the rules at a water point find in an observation, with the little that some of them remember."""

from collections.abc import Iterator

from alerts.in_force import ObservedRule, RulesThere
from alerts.rules import RateRule, Trail, Verdict
from waterquality.readings import Observation


class Findings:
    """Asks the rules. Not thread-safe: its owner asks for one observation at a time, in the order taken."""

    def __init__(self) -> None:
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
                verdict = rate.evaluate(observation, self._trail(rate, water_point, observation.device))
                if verdict is not None:
                    yield rate, verdict

    def _trail(self, rule: RateRule, water_point: str, device: str) -> Trail:
        """What a rate is judged against; begun anew when the rule changes."""
        key = (rule.id, water_point, device)
        known = self._trails.get(key)
        if known is None or known[0] != rule:
            known = self._trails[key] = (rule, rule.begun())
        return known[1]
