"""The dashboard asks only for what is told; the page of the docs and the catalogue say the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.telemetry.catalogue import CATALOGUE, Kind
from server.telemetry.listener import Process

ROOT = Path(__file__).parents[3]
GRAFANA = ROOT / "deploy" / "grafana"
BOARD = json.loads((GRAFANA / "tskaro.json").read_text(encoding="utf-8"))
EVERYWHERE = {"job", "instance"}  # what Prometheus adds to each series
OF_OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
WORDS = {
    *("sum", "min", "max", "by", "rate", "increase", "delta", "time", "vector", "or"),
    *("histogram_quantile", "label_values"),
}
ROWS = {"Now", "Intake", "Custody", "Store and database", "Alerts and texts", "Devices"}


def series() -> dict[str, set[str]]:
    """The labels of every name that a query may hold."""
    known = dict.fromkeys(OF_OTHERS, EVERYWHERE)
    for name, metric in CATALOGUE.items():
        labels = EVERYWHERE | set(metric.labels)
        is_histogram = metric.kind is Kind.HISTOGRAM
        known |= {f"{name}_{end}": labels for end in ("sum", "count")} if is_histogram else {name: labels}
        if is_histogram:
            known[f"{name}_bucket"] = labels | {"le"}
    return known


def queries() -> Iterator[tuple[str, str]]:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"], ""


def unknown_in(query: str, legend: str = "") -> set[str]:
    """What a query names and nothing tells."""
    known = series()
    bare = re.sub(r"\[[^\]]*\]|\"[^\"]*\"", "", query)
    matched = {
        label
        for inside in re.findall(r"\{([^}]*)\}", bare)
        for label in re.findall(r"\w+(?=\s*[=!])", inside)
    }
    grouped = {
        label.strip() for inside in re.findall(r"\bby \(([^)]*)\)", bare) for label in inside.split(",")
    }
    asked = set(re.findall(r"label_values\([^,]*?(?:\{[^}]*\})?, (\w+)\)", bare))
    rest = re.sub(r"\{[^}]*\}|\bby \([^)]*\)|, \w+\)$", "", bare)
    names = set(re.findall(r"[a-z_][a-z0-9_]*", rest)) - WORDS
    labels = set().union(*(known.get(name, set()) for name in names))
    kept = grouped if "by (" in bare else labels
    return (
        (names - known.keys())
        | ((matched | grouped | asked) - labels)
        | (set(re.findall(r"\{\{(\w+)\}\}", legend)) - kept)
    )


@pytest.mark.parametrize(("query", "legend"), sorted(set(queries())))
def test_every_query_of_the_dashboard_names_figures_and_labels_that_are_told(query: str, legend: str) -> None:
    assert unknown_in(query, legend) == set()
    assert query.count("(") == query.count(")")


def test_a_query_for_what_nothing_tells_would_be_found() -> None:
    assert unknown_in("sum(rate(tskaro_no_such_total[5m]))") == {"tskaro_no_such_total"}
    assert unknown_in('tskaro_devices{village="x"}') == {"village"}
    assert unknown_in("sum by (person) (tskaro_devices)") == {"person"}
    assert unknown_in("tskaro_devices", "{{device}}") == {"device"}
    assert unknown_in("sum(tskaro_ingest_tap_to_store_seconds)") == {"tskaro_ingest_tap_to_store_seconds"}


def test_every_figure_of_the_catalogue_has_a_place_on_the_dashboard() -> None:
    shown = " ".join(query for query, _ in queries())

    assert [name for name in CATALOGUE if not re.search(rf"\b{name}(?:_bucket|_sum|_count)?\b", shown)] == []


def test_panels_have_their_rows_and_do_not_lie_over_each_other() -> None:
    assert {panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"} == ROWS
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_page_and_the_catalogue_hold_the_same_figures_word_by_word() -> None:
    page = (ROOT / "docs" / "specs" / "telemetry.md").read_text(encoding="utf-8").split("\n## Metrics\n")[1]
    rows = [line for line in page.splitlines() if line.startswith("| `tskaro_")]

    labels = {
        metric.name: ", ".join(f"`{label}`" for label in metric.labels) for metric in CATALOGUE.values()
    }
    assert [
        f"| `{each.name}` | {each.kind} | {labels[each.name]} | {each.help} |" for each in CATALOGUE.values()
    ] == rows


def test_the_example_for_prometheus_names_the_ports_that_the_processes_take() -> None:
    said = {
        (name, int(port))
        for port, names in re.findall(r"localhost:(\d+) # (.+)", (GRAFANA / "prometheus.yml").read_text())
        for name in re.findall(r"serve|ingest|notify|web", names)
    }

    assert {(str(process), 9470 + process.offset) for process in Process} == said
