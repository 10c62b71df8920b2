"""The agent of this machine, put together from its settings: the edge's composition root."""

import sqlite3
import ssl
from collections.abc import Callable
from dataclasses import replace

import sdnotify

from edge.agent import Agent, AgentParts
from edge.batching import Batching
from edge.budget import Budget
from edge.certificates import CertificateFolder, as_calibrated
from edge.certifying import Certifier
from edge.clock import Clock, SystemClock
from edge.desired import Configurations
from edge.economy import economy_of
from edge.fitting import fit
from edge.hardware.light import open_lamp
from edge.hardware.pi import PiHardware
from edge.lanes import SendingPolicy
from edge.log_tail import LogTail
from edge.machine import machine_serial
from edge.outbox import Outbox, open_outbox
from edge.probes.build import ticks_of
from edge.probes.hardware import Hardware
from edge.remote import RemoteParts
from edge.reporting import reporting_of
from edge.schedule import Every
from edge.selfcheck import checks_of
from edge.selfcheck_nought import NoughtFile
from edge.settings import EdgeSettings, Mqtt
from edge.timekeeper import battery_clock_ms
from edge.update import UpdateParts
from edge.uplink import Broker
from edge.vitals import read_vitals
from edge.watchdog import watchdog_of_systemd
from firmware_config.device import DeviceConfig
from firmware_config.layers import handed_over
from firmware_config.tls import client_context
from waterquality.errors import CustodyError

_STALE_TICKS = 3

HardwareOf = Callable[[DeviceConfig], Hardware]


def compose(
    settings: EdgeSettings,
    *,
    hardware_of: HardwareOf = PiHardware,
    clock: Clock | None = None,
    log_tail: LogTail | None = None,
    begin_anew: Callable[[], None] = lambda: None,
    updates: UpdateParts | str = "this agent takes no updates",
) -> Agent:
    """Put the agent of this machine together.

    Args:
        settings: where it runs.
        hardware_of: what to open for a configuration.
        log_tail: the last lines of its log.
        clock: None is the clock of this machine.
        begin_anew: ends this agent and begins the next one.
        updates: what software updates work with, or why there are none.

    Raises:
        ConfigError: what is wired cannot be read as written; mended by the operator.
        CustodyError: no outbox can be kept; mended by the operator.
    """
    configurations = Configurations(settings.remote.folder / "config", settings.device_config)
    outbox = _outbox(settings, configurations.in_force()[1].device)
    notifier = sdnotify.SystemdNotifier()
    folder = CertificateFolder(settings.certificates)
    fitted = fit(
        configurations,
        hardware_of,
        lambda wired: as_calibrated(wired, folder),
        lamp_of=lambda wired: open_lamp(wired.light) if wired.light else None,
        volume_m3=outbox.volume_m3,
    )
    config = fitted.config
    budget = Budget(settings.budget.path, settings.budget.cap_bytes)
    nought = NoughtFile(settings.outbox.path.with_name("nought.json"))
    batching = Batching(settings.uplink.batch_every_s, settings.uplink.deflate, thrift=budget.thrift)
    return Agent(
        AgentParts(
            device=config.device,
            probes=fitted.probes,
            outbox=outbox,
            broker=broker_of(settings.mqtt),
            clock=clock or SystemClock(trusts_always=settings.trusts_clock == "always"),
            schedule=ticks_of(config),
            observations=Every(config.observe_every_s),
            checks=lambda is_serviced: checks_of(config, is_serviced=is_serviced, nought=nought),
            policy=SendingPolicy(
                settings.uplink.batch_records, settings.uplink.window_batches, settings.uplink.repeat_after_s
            ),
            certifier=Certifier(folder, config, fitted.probes, outbox),
            batching=batching,
            reporting=lambda is_asked: reporting_of(config, thrift=budget.thrift, is_asked=is_asked),
            economy=economy_of(config),
            budget=budget,
            config_version=fitted.kept.desired.version,
            heartbeat_every_s=settings.heartbeat_every_s,
            remote=RemoteParts(
                folder=settings.remote.folder,
                door=settings.door.path,
                door_group=settings.door.group,
                log_tail=log_tail or LogTail(),
                configurations=configurations,
                fitted=fitted,
                begin_anew=begin_anew,
                updates=_patient(updates, within_s=config.observe_every_s + batching.every_s),
            ),
            battery_clock_ms=battery_clock_ms(),
            watchdog=watchdog_of_systemd(lambda: notifier.notify("WATCHDOG=1")),
            lamp=fitted.lamp,
            stale_s=_STALE_TICKS * config.observe_every_s,
            vitals=lambda: read_vitals(settings.outbox.path.parent).as_numbers(),
            let_go=fitted.hardware.close,
        )
    )


def _patient(updates: UpdateParts | str, *, within_s: float) -> UpdateParts | str:
    """A new version has at least the time for two observations to come, to be gathered and to go."""
    if isinstance(updates, str):
        return updates
    return replace(updates, patience_s=max(updates.patience_s, 2 * within_s))


def _outbox(settings: EdgeSettings, device: str) -> Outbox:
    path = settings.outbox.path
    try:
        outbox, _ = open_outbox(
            path,
            device=device,
            serial=machine_serial(),
            max_records=settings.outbox.max_records,
            when_full=settings.outbox.when_full,
        )
    except (OSError, sqlite3.OperationalError) as error:
        raise CustodyError(f"{path}: no outbox can be kept there ({error})") from error
    return outbox


def broker_of(mqtt: Mqtt) -> Broker:
    """The broker as the settings have it.

    Raises:
        ConfigError: a certificate or key cannot be used; mended by the operator.
    """
    password = mqtt.password.get_secret_value() if mqtt.password is not None else ""
    return Broker(
        mqtt.host,
        mqtt.port,
        username=mqtt.username,
        password=password,
        keepalive_s=mqtt.keepalive_s,
        tls=tls_of(mqtt),
    )


def tls_of(mqtt: Mqtt) -> ssl.SSLContext | None:
    """Whom to trust and who we are, as the settings have it; None speaks in the clear.

    Raises:
        ConfigError: a certificate or key cannot be used; mended by the operator.
    """
    if mqtt.tls is None:
        return None
    key = mqtt.tls.key and handed_over(mqtt.tls.key)
    return client_context(mqtt.tls.ca, mqtt.tls.certificate, key)
