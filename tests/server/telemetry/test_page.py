"""The page that Prometheus reads, and the figures that are added up as they come."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from server.ingest.measured import Distribution
from server.telemetry.catalogue import CATALOGUE, Kind, Point
from server.telemetry.lately import Lately
from server.telemetry.page import Page
from waterquality.errors import LinkError


class HandWound:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@given(st.lists(st.floats(-1, 30, allow_nan=False)))
def test_each_value_is_counted_once_up_to_the_bound_that_holds_it(values: list[float]) -> None:
    counted = Distribution((0.0, 1.0, 20.0))
    counted.add(values[::2])
    counted.add(values[1::2])

    bounds = (0.0, 1.0, 20.0, float("inf"))
    assert [(bound, sum(value <= bound for value in values)) for bound in bounds] == list(counted.at_most())
    assert counted.total == pytest.approx(sum(values))


def test_every_name_follows_the_conventions_of_prometheus() -> None:
    for name, metric in CATALOGUE.items():
        assert name.startswith("tskaro_")
        assert name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert metric.help.endswith(".")
        assert not {"person", "address", "phone", "water_point"} & set(metric.labels)


def test_a_page_reads_as_prometheus_reads_it() -> None:
    delays = Distribution((1.0, 5.0))
    delays.add((0.5, 5.0, 60.0))
    page = Page(
        "ingest",
        [
            lambda: [
                Point("tskaro_ingest_messages_total", 3),
                Point("tskaro_ingest_tap_to_store_seconds", delays),
                Point("tskaro_alerts", 2, ("turbidity-who-4", "critical", "firing")),
            ]
        ],
    )

    families = {each.name: each for each in text_string_to_metric_families(page.text().decode())}
    samples = {(s.name, *s.labels.values()): s.value for each in families.values() for s in each.samples}
    assert samples["tskaro_ingest_messages_total",] == 3
    assert samples["tskaro_alerts", "firing", "turbidity-who-4", "critical"] == 2
    assert [samples["tskaro_ingest_tap_to_store_seconds_bucket", le] for le in ("1.0", "5.0", "+Inf")] == [
        1,
        2,
        3,
    ]
    assert samples["tskaro_ingest_tap_to_store_seconds_sum",] == 65.5
    assert (families["tskaro_ingest_messages"].type, families["tskaro_alerts"].type) == ("counter", "gauge")
    assert "process_cpu_seconds" in families


def test_a_storm_of_questions_is_answered_once_a_second() -> None:
    clock, asked = HandWound(), []
    page = Page("web", [lambda: asked.append(1) or ()], clock=clock)

    threads = [threading.Thread(target=page.text) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1

    clock.now_s += 1.1
    page.text()
    assert len(asked) == 2


def test_a_source_that_fails_hides_no_other() -> None:
    def broken() -> Iterator[Point]:
        yield Point("tskaro_devices", 1)
        raise ZeroDivisionError

    page = Page("ingest", [broken, lambda: [Point("tskaro_store_writable", 1)]])

    assert b"tskaro_store_writable 1.0" in page.text()
    assert b"tskaro_devices" not in page.text()


def test_an_answer_will_do_for_a_while_and_is_asked_for_once() -> None:
    clock, asked = HandWound(), []
    lately = Lately(lambda: asked.append(1) or len(asked), every_s=5, clock=clock)

    assert (1, 1) == (lately.answer(), lately.answer())
    clock.now_s += 5
    assert lately.answer() == 2


def test_an_answer_that_is_due_anew_is_not_told_while_nobody_knows_better() -> None:
    clock, is_away = HandWound(), threading.Event()

    def ask() -> str:
        if is_away.is_set():
            raise LinkError("away")
        return "known"

    lately = Lately(ask, every_s=5, clock=clock)
    assert lately.answer() == "known"
    is_away.set()
    clock.now_s += 5
    assert lately.answer() is None


def test_a_question_that_hangs_is_waited_for_once_and_asked_once() -> None:
    clock, may_end, asked = HandWound(), threading.Event(), []

    def ask() -> str:
        asked.append(1)
        may_end.wait(30)
        return "late"

    lately = Lately(ask, every_s=5, patience_s=0.05, clock=clock)
    assert lately.answer() is None
    clock.now_s += 60
    assert lately.answer() is None  # at once: one hangs already
    assert len(asked) == 1
    may_end.set()
