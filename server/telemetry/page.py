"""The page that Prometheus reads: points from every source, put into its form. The one door for its library.

Made at most once a second, whoever asks, so that a storm of questions costs one answer a second.
"""

import platform
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from server.ingest.measured import Distribution
from server.telemetry.catalogue import CATALOGUE, Kind, Metric, Point

_log = structlog.get_logger()
_FRESH_FOR_S = 1.0
Source = Callable[[], Iterable[Point]]


class Page:
    """All figures of one process.

    Args:
        process: its name, for `tskaro_build_info`.
        sources: each asked anew; one that fails is left out, and the others are shown.
        clock: seconds that only go forward.
    """

    def __init__(
        self, process: str, sources: Sequence[Source], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        build = Point("tskaro_build_info", 1, (process, version("tskaro"), platform.python_version()))
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Asking([lambda: [build], *sources]))
        ProcessCollector(registry=self._registry)
        self._clock, self._lock = clock, threading.Lock()
        self._made_s, self._text = float("-inf"), b""

    def text(self) -> bytes:
        """The figures, in the text format of Prometheus 0.0.4."""
        with self._lock:
            if self._clock() - self._made_s >= _FRESH_FOR_S:
                self._text = generate_latest(self._registry)
                self._made_s = self._clock()
            return self._text


class _Asking(Collector):
    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Family]:
        found: dict[str, list[Point]] = {}
        for source in self._sources:
            for point in _points(source):
                found.setdefault(point.name, []).append(point)
        return [_family(CATALOGUE[name], points) for name, points in found.items()]


def _points(source: Source) -> Sequence[Point]:
    try:
        return list(source())
    except Exception:  # noqa: BLE001 - what one source cannot tell must not hide the others
        _log.exception("metrics_failed")
        return ()


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def _family(metric: Metric, points: Sequence[Point]) -> Family:
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for point in points:
            assert isinstance(point.value, Distribution)
            buckets = [(_bound(bound), count) for bound, count in point.value.at_most()]
            histogram.add_metric(point.labels, buckets, sum_value=point.value.total)
        return histogram
    made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = made(metric.name, metric.help, labels=metric.labels)
    for point in points:
        assert not isinstance(point.value, Distribution)
        family.add_metric(point.labels, point.value)
    return family
