"""Every figure that the server gives to Prometheus: the one list, in `docs/specs/telemetry.md` word by word.

**Invariants**: units stand in names. Labels come from closed lists or from the registry (`device`, `rule`), never
from what somebody sent. Nothing here tells of a person or of the water itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.ingest.measured import Distribution


class Kind(StrEnum):
    """What a figure is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure.

    Attributes:
        name: its name, with the unit.
        kind: what it is.
        help: one sentence.
        labels: what tells its series apart.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a figure now.

    Attributes:
        name: of the figure.
        value: in the unit that the name says.
        labels: one value for each label.
    """

    name: str
    value: float | Distribution
    labels: tuple[str, ...] = ()


_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_ALL = (
    # every process
    Metric("tskaro_build_info", _G, "1; what runs here.", ("process", "version", "python")),
    Metric("tskaro_database_up", _G, "Whether the database answered the last question of this page."),
    Metric("tskaro_broker_connected", _G, "Whether the broker has us on the line.", ("connection",)),
    Metric(
        "tskaro_publish_dropped_total",
        _C,
        "Messages not published because the broker was away.",
        ("connection",),
    ),
    Metric("tskaro_loop_failures_total", _C, "Rounds of a loop that met a defect of ours.", ("loop",)),
    Metric(
        "tskaro_database_failures_total",
        _C,
        "Rounds of a loop for which the database was away.",
        ("loop",),
    ),
    # intake
    Metric("tskaro_ingest_messages_total", _C, "Messages taken off the queue."),
    Metric("tskaro_ingest_observations_judged_total", _C, "Observations judged."),
    Metric("tskaro_ingest_observations_stored_total", _C, "Observations stored."),
    Metric("tskaro_ingest_observations_repeated_total", _C, "What came again and changed nothing."),
    Metric(
        "tskaro_ingest_observations_repeated_uncompared_total",
        _C,
        "Of those, what was not compared with the store.",
    ),
    Metric("tskaro_ingest_observations_stored_again_total", _C, "What came again and the store had lost."),
    Metric("tskaro_ingest_observations_stored_late_total", _C, "What the store took after it was given up."),
    Metric(
        "tskaro_ingest_observations_held_back_total", _C, "What came while the store was too slow to ask."
    ),
    Metric(
        "tskaro_ingest_observations_judged_again_total",
        _C,
        "Observations of earlier rounds whose flags changed.",
    ),
    Metric("tskaro_ingest_quarantined_total", _C, "What was set aside.", ("reason",)),
    Metric(
        "tskaro_ingest_dropped_total",
        _C,
        "Messages not taken in; the device comes again.",
        ("channel", "reason"),
    ),
    Metric("tskaro_ingest_malformed_total", _C, "Small messages that could not be read.", ("channel",)),
    Metric("tskaro_ingest_devices_over_allowance", _G, "Devices that send more than they may."),
    Metric("tskaro_ingest_queue_messages", _G, "Messages that wait to be taken in."),
    Metric("tskaro_ingest_queue_capacity_messages", _G, "Messages for which the queue has room."),
    Metric("tskaro_ingest_round_duration_seconds", _H, "What a round took."),
    Metric("tskaro_ingest_round_messages", _H, "Messages in a round."),
    Metric(
        "tskaro_ingest_tap_to_store_seconds",
        _H,
        "From the tap to the store, of what was about now on arrival.",
    ),
    Metric("tskaro_ingest_receipts_sent_total", _C, "Receipts handed to the connection."),
    Metric("tskaro_ingest_last_turn_timestamp_seconds", _G, "When the loop last began a turn."),
    Metric("tskaro_ingest_last_round_timestamp_seconds", _G, "When it last ended a round with arrivals."),
    Metric("tskaro_ingest_last_tick_timestamp_seconds", _G, "When silence was last judged."),
    # store
    Metric("tskaro_store_writable", _G, "Whether the store took what it was last given."),
    Metric("tskaro_store_failures_total", _C, "Rounds that the store did not take."),
    # shards
    Metric("tskaro_ingest_shards_held", _G, "Shards that this worker holds."),
    Metric("tskaro_ingest_leases_lost_total", _C, "Rounds given up because a shard was another worker's."),
    Metric("tskaro_ingest_last_renewal_timestamp_seconds", _G, "When the leases were last renewed."),
    Metric("tskaro_shards_unheld", _G, "Shards that no worker holds: nobody takes in what is sent there."),
    # texts
    Metric("tskaro_notify_outcomes_total", _C, "Tries of the notifier by what they brought.", ("fate",)),
    Metric("tskaro_notify_answers_total", _C, "What people texted back, by what it asks for.", ("answer",)),
    Metric("tskaro_notify_last_pass_timestamp_seconds", _G, "When the notifier last ended a pass."),
    Metric("tskaro_notifications_owed", _G, "Texts that nobody has taken yet."),
    Metric("tskaro_notifications_oldest_owed_age_seconds", _G, "Age of the oldest of them; 0 without any."),
    Metric(
        "tskaro_sms_texts_total",
        _C,
        "Texts by gateway and by what came of handing them over or asking.",
        (
            "gateway",
            "outcome",
        ),
    ),
    Metric(
        "tskaro_sms_balance",
        _G,
        "What a gateway said last that is left with it, in its own unit.",
        ("gateway",),
    ),
    Metric(
        "tskaro_sms_gateway_in_trouble",
        _G,
        "Whether a gateway had trouble lately and is asked last.",
        ("gateway",),
    ),
    Metric(
        "tskaro_sms_spent_today_lari", _G, "What texts have cost since midnight in Tbilisi.", ("gateway",)
    ),
    Metric(
        "tskaro_sms_segments_today", _G, "SMS segments handed over since midnight in Tbilisi.", ("gateway",)
    ),
    Metric(
        "tskaro_sms_daily_ceiling_lari",
        _G,
        "What the texts of a day may cost; not told where there is no ceiling.",
    ),
    # alerts
    Metric("tskaro_alerts", _G, "Alerts about now.", ("rule", "severity", "phase")),
    Metric("tskaro_water_points_silent", _G, "Water points not heard from for too long."),
    # custody
    Metric("tskaro_custody_missing_numbers", _G, "Numbers that never came and that no device holds."),
    Metric("tskaro_custody_awaited_numbers", _G, "Numbers without a fate while later ones have theirs."),
    Metric(
        "tskaro_custody_oldest_awaited_timestamp_seconds", _G, "Since when the oldest of them is awaited."
    ),
    Metric("tskaro_custody_conflicts", _G, "Epochs in which a number came with other content."),
    Metric("tskaro_quarantine_entries", _G, "What lies in quarantine.", ("reason",)),
    # devices
    Metric("tskaro_devices", _G, "Devices that serve a water point."),
    Metric("tskaro_devices_online", _G, "Of those, how many the broker has on the line."),
    Metric("tskaro_devices_left_out", _G, "Of those, how many have no figures of their own here."),
    Metric("tskaro_device_online", _G, "Whether the broker has it on the line.", ("device",)),
    Metric("tskaro_device_last_health_timestamp_seconds", _G, "When its health last came.", ("device",)),
    Metric(
        "tskaro_device_last_booked_timestamp_seconds", _G, "When its books were last written.", ("device",)
    ),
    Metric("tskaro_device_outbox_records", _G, "Numbers that its outbox holds.", ("device",)),
    Metric("tskaro_device_sequence_head", _G, "The highest number of its epoch.", ("device",)),
    Metric("tskaro_device_gap_numbers", _G, "Numbers that it had to drop in this epoch.", ("device",)),
    Metric("tskaro_device_missing_numbers", _G, "Numbers of it that are missing.", ("device",)),
    Metric("tskaro_device_clock_synchronised", _G, "Whether its clock is known to be right.", ("device",)),
    Metric("tskaro_device_under_voltage", _G, "Whether its supply is too low.", ("device",)),
    Metric("tskaro_device_board_celsius", _G, "Temperature of its processor.", ("device",)),
    Metric("tskaro_device_disk_free_bytes", _G, "What is free on its card.", ("device",)),
    Metric("tskaro_device_uptime_seconds", _G, "Since its boot, when its health last came.", ("device",)),
    # pages
    Metric("tskaro_web_listeners", _G, "Pages that wait for changes."),
)
CATALOGUE: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
