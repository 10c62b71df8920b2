"""A chart's view of InfluxDB: readings and rollups of one parameter at one water point."""

from collections.abc import Collection, Iterator, Sequence

from server.store import influx_answer, influxql
from server.store.influx_answer import ROWS_AT_ONCE, records
from server.store.influx_marks import Ask
from server.store.influx_rolled import part_of
from server.store.influx_rollups import Rollups
from server.store.influxql_rollups import RolledQuestions
from server.store.port import ChartPoint
from server.store.rollup import Grain, Part, Piece
from server.store.span import Span
from waterquality.parameters import Parameter


class InfluxChart:
    """See `ChartSource`.

    Args:
        ask: puts a question.
        rollups: which hours are due; None where there are no rollups.
        water_point: where.
        parameter: of what.
    """

    def __init__(self, ask: Ask, rollups: Rollups | None, water_point: str, parameter: Parameter) -> None:
        self._ask, self._rollups, self._point, self._parameter = ask, rollups, water_point, parameter

    def forgotten_ms(self) -> int:
        """See `ChartSource`."""
        return 0 if self._rollups is None else self._rollups.forgotten_ms()

    def due(self) -> Collection[int] | None:
        """See `ChartSource`."""
        return None if self._rollups is None else self._rollups.due_of(self._point)

    def readings(self, span: Span, limit: int) -> Sequence[ChartPoint]:
        """See `ChartSource`."""
        question = influxql.ChartQuestions(self._point, self._parameter, span).readings(
            min(limit, ROWS_AT_ONCE)
        )
        return influx_answer.raw_points(self._ask(question), self._parameter)

    def parts(self, piece: Piece, width_ms: int) -> Iterator[Part]:
        """See `ChartSource`."""
        questions: influxql.ChartQuestions | RolledQuestions
        if piece.grain is Grain.RAW:
            questions = influxql.ChartQuestions(self._point, self._parameter, piece.span)
        else:
            questions = RolledQuestions(self._point, self._parameter, piece.grain, piece.span)
        flags = self._ask(questions.flags(width_ms))
        values = {each["time"]: each for each in records(self._ask(questions.usable(width_ms)))}
        return (
            part_of(each["time"], each["flag"], each["count"], 0, values.get(each["time"], {}))
            for each in records(flags)
            if each["count"]
        )
