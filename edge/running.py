"""The process of an agent: it runs one agent after the other until it is told to stop, or to be started anew.

A new configuration ends an agent and begins the next in the same process; a new version of the software, or an
agent of which something hangs, ends the process, with an exit code that says so to whoever started it.
"""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import sdnotify

from edge.clock import Clock
from edge.composing import HardwareOf, compose, tls_of
from edge.hardware.pi import PiHardware
from edge.log_tail import LogTail
from edge.machine import software_version
from edge.settings import EdgeSettings, LogFormat
from edge.update import UpdateParts, runs_from
from edge.update_stage import PipInstall
from firmware_config.logs import set_up_logs

STARTED_ANEW = 75  # EX_TEMPFAIL of sysexits.h: systemd starts it again


def run(
    settings: EdgeSettings,
    path: Path,
    *,
    hardware_of: HardwareOf = PiHardware,
    clock: Clock | None = None,
) -> int:
    """Run the agent of this machine until it is told to stop (SIGTERM, SIGINT).

    Args:
        settings: where it runs.
        path: of the file that they were read from.
        hardware_of: what to open for a configuration.
        clock: None is the clock of this machine.

    Returns:
        The exit code: 0, or 75 to be started anew.

    Raises:
        ConfigError: what is wired cannot be read as written; mended by the operator.
        CustodyError: no outbox can be kept; mended by the operator.
    """
    log_tail = _logging(settings)
    is_over, wake, is_new = threading.Event(), threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _set(is_over, wake))
    updates = _updates(settings, path, is_over, lambda: _set(is_new, is_over, wake))
    while not is_over.is_set():
        agent = compose(
            settings,
            hardware_of=hardware_of,
            clock=clock,
            log_tail=log_tail,
            begin_anew=wake.set,
            updates=updates,
        )
        agent.start()
        sdnotify.SystemdNotifier().notify("READY=1")
        wake.wait()
        wake.clear()
        if not agent.stop() and not is_over.is_set():
            is_new.set()  # what hangs still has its hardware: the next agent needs a process of its own
            is_over.set()
    return STARTED_ANEW if is_new.is_set() else os.EX_OK


def _set(*events: threading.Event) -> None:
    for event in events:
        event.set()


def _logging(settings: EdgeSettings) -> LogTail:
    password = settings.mqtt.password
    log_tail = LogTail((password.get_secret_value(),) if password is not None else ())
    set_up_logs(level=settings.log.level, as_json=settings.log.format is LogFormat.JSON, also=log_tail.keep)
    return log_tail


def _updates(
    settings: EdgeSettings, path: Path, is_over: threading.Event, begin_anew: Callable[[], None]
) -> UpdateParts | str:
    root, key = settings.update.folder, settings.update.key
    if not key.exists():
        return f"no key for updates came with this card: there is no {key} (update.key)"
    if not runs_from(root):
        return f"the agent does not run from {root / 'current'}, so it cannot be replaced (update.folder)"
    if not (launcher := settings.update.launcher).exists():
        return f"there is no {launcher}, which would go back from a version that fails (update.launcher)"
    return UpdateParts(
        root=root,
        key=key,
        running=software_version(),
        install=PipInstall(("check", "--settings", str(path)), is_over),
        tls=tls_of(settings.mqtt),
        patience_s=settings.update.receipt_within_s,
        begin_anew=begin_anew,
    )
