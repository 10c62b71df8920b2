"""What the loops of one process have counted, read when somebody asks: the loops do nothing for it."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from alerts.transports.failover import Failover
from server.bus.mqtt import Bus
from server.ingest.gate import Gate
from server.processes import Ingest, LiveFeed, Notify, Remote
from server.telemetry.catalogue import Point

# what a counter says is dropped, by its name: the reason
_DROPPED = {
    "retained_ignored": "retained",
    "dropped_queue_full": "queue_full",
    "dropped_not_ours": "not_ours",
    "dropped_over_allowance": "over_allowance",
    "dropped_shut_out": "shut_out",
}
_OBSERVATIONS = (
    "judged",
    "stored",
    "repeated",
    "repeated_uncompared",
    "stored_again",
    "stored_late",
    "held_back",
    "judged_again",
)
_QUARANTINED = "quarantined_"


def of_ingest(ingest: Ingest, gate: Gate) -> Iterator[Point]:
    """What an ingest has counted and measured."""
    taken, worker = ingest.intake.counters.copy(), ingest.worker
    yield Point("tskaro_ingest_messages_total", taken["arrivals"])
    for name in _OBSERVATIONS:
        yield Point(f"tskaro_ingest_observations_{name}_total", taken[name])
    for name, count in taken.items():
        if name.startswith(_QUARANTINED):
            yield Point("tskaro_ingest_quarantined_total", count, (name.removeprefix(_QUARANTINED),))
    yield from _dropped("readings", ingest.subscriber.counters, "retained_ignored", "dropped_queue_full")
    yield from _dropped("readings", worker.counters, "dropped_not_ours")
    yield from _dropped("health", ingest.news.counters, "dropped_queue_full")
    yield from _dropped("any", gate.counters, "dropped_over_allowance", "dropped_shut_out")
    yield Point("tskaro_ingest_malformed_total", ingest.news.counters["malformed"], ("health",))
    yield Point("tskaro_ingest_devices_over_allowance", len(gate.over()))
    yield Point("tskaro_ingest_queue_messages", ingest.subscriber.waiting)
    yield Point("tskaro_ingest_queue_capacity_messages", ingest.subscriber.capacity)
    yield Point("tskaro_ingest_receipts_sent_total", ingest.receipts.counters["receipts_sent"])
    yield Point("tskaro_store_writable", worker.store_is_up)
    yield Point("tskaro_store_failures_total", worker.counters["store_unavailable"])
    yield Point("tskaro_ingest_leases_lost_total", worker.counters["lease_lost"])
    yield Point("tskaro_ingest_shards_held", len(ingest.shards.held))
    yield from _loop("ingest", worker.counters)
    yield from _measured(ingest)
    yield from _connection("ingest", ingest.bus)


def of_remote(remote: Remote) -> Iterator[Point]:
    """What the courier has counted."""
    counters = remote.courier.counters
    yield from _dropped("answers", counters, "retained_ignored", "dropped_queue_full")
    yield Point("tskaro_ingest_malformed_total", counters["malformed"], ("answers",))
    yield from _loop("remote", counters)
    yield from _connection("remote", remote.bus)


def of_notify(notify: Notify) -> Iterator[Point]:
    """What the notifier has counted."""
    for fate, count in notify.ledger.fates.copy().items():
        yield Point("tskaro_notify_outcomes_total", count, (str(fate),))
    yield from _instant("tskaro_notify_last_pass_timestamp_seconds", notify.worker.passed_at)
    yield from _loop("notify", notify.worker.counters)
    if isinstance(notify.transport, Failover):
        yield from _gateways(notify.transport)
    if notify.answers is not None:
        for answer, count in notify.answers.answers.copy().items():
            yield Point("tskaro_notify_answers_total", count, (answer,))
        yield from _loop("answers", notify.answers.counters)
    yield from _connection("notify", notify.bus)


def _gateways(gateways: Failover) -> Iterator[Point]:
    """What each gateway took, and what it costs; what was spent is told by the database."""
    for (name, outcome), count in gateways.tally.copy().items():
        yield Point("tskaro_sms_texts_total", count, (name, outcome))
    for name, balance in gateways.balances.copy().items():
        yield Point("tskaro_sms_balance", balance.amount, (name,))
    resting = gateways.resting()
    for name in gateways.gateways:
        yield Point("tskaro_sms_gateway_in_trouble", name in resting, (name,))
    if gateways.ceiling.tetri is not None:
        yield Point("tskaro_sms_daily_ceiling_lari", gateways.ceiling.tetri / 100)


def of_web(feed: LiveFeed) -> Iterator[Point]:
    """Who looks at the pages."""
    yield Point("tskaro_web_listeners", feed.hub.clients)
    yield from _connection("web", feed.bus)


def _measured(ingest: Ingest) -> Iterator[Point]:
    measured = ingest.worker.measured
    yield Point("tskaro_ingest_tap_to_store_seconds", measured.tap_to_store_s)
    yield Point("tskaro_ingest_round_duration_seconds", measured.round_s)
    yield Point("tskaro_ingest_round_messages", measured.round_messages)
    yield from _instant("tskaro_ingest_last_turn_timestamp_seconds", measured.turned_at)
    yield from _instant("tskaro_ingest_last_round_timestamp_seconds", measured.took_in_at)
    yield from _instant("tskaro_ingest_last_tick_timestamp_seconds", ingest.ticker.ticked_at)
    yield from _instant("tskaro_ingest_last_renewal_timestamp_seconds", ingest.shards.renewed_at)


def _dropped(channel: str, counters: Counter[str], *names: str) -> Iterator[Point]:
    for name in names:
        yield Point("tskaro_ingest_dropped_total", counters[name], (channel, _DROPPED[name]))


def _loop(loop: str, counters: Counter[str]) -> Iterator[Point]:
    yield Point("tskaro_loop_failures_total", counters["failed"], (loop,))
    yield Point("tskaro_database_failures_total", counters["database_unavailable"], (loop,))


def _connection(name: str, bus: Bus) -> Iterator[Point]:
    yield Point("tskaro_broker_connected", bus.is_connected, (name,))
    yield Point("tskaro_publish_dropped_total", bus.counters["dropped_offline"], (name,))


def _instant(name: str, at: datetime | None) -> Iterator[Point]:
    """Nothing where it has not happened yet."""
    if at is not None:
        yield Point(name, at.timestamp())
