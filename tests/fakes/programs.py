"""Our own programs in processes of their own, in an empty environment: run, stopped and killed as a machine would.

Compiled modules are kept in a folder of their own, so that a program that a test starts again starts quickly.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.services.service import Service

ROOT = Path(__file__).parents[2]
_BYTECODE = Path(tempfile.gettempdir()) / "tskaro-tests-bytecode"
PYTHON = (sys.executable, "-X", f"pycache_prefix={_BYTECODE}")
TSKARO = (*PYTHON, "-c", "from server.cli import app; app(prog_name='tskaro')")
TSKARO_EDGE = (*PYTHON, "-c", "from edge.cli import app; app(prog_name='tskaro-edge')")
_LONGEST_RUN_S = 60.0
# What none of our loops may ever say: something happened that nobody had thought of.
DEFECTS = frozenset(
    {
        "command_failed",
        "courier_failed",
        "decoding_failed",
        "door_failed",
        "evicting_failed",
        "heartbeat_failed",
        "intake_failed",
        "message_not_taken",
        "notifier_failed",
        "remote_failed",
        "sampling_failed",
        "ticker_failed",
        "transport_misbehaved",
        "uplink_failed",
    }
)


def run(
    command: Sequence[str],
    *arguments: object,
    env: Mapping[str, str] | None = None,
    within_s: float = _LONGEST_RUN_S,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its words as text and no environment but the given one."""
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env={"COLUMNS": "500", **(env or {})},  # so that rich breaks no line
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )


class Program(Service):
    """A program of ours that runs until it is told to stop; it logs JSON.

    Args:
        command: what to run.
        ready_event: the event in its log that says it is ready; "" when it says nothing of the kind.
        env: its whole environment.
    """

    def __init__(
        self, command: Sequence[str], *, ready_event: str, env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._command, self._ready_event, self._env = list(command), ready_event, dict(env or {})
        self._read_from = 0
        self.exit_code: int | None = None

    def command(self) -> list[str]:
        return self._command

    def is_ready(self) -> bool:
        said = [each["event"] for each in self.events(since_start=True)]
        return not self._ready_event or self._ready_event in said

    def spawn(self) -> None:
        """Start it, and do not wait until it is ready."""
        assert self.pid is None, "it runs already"
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> Self:
        """Start it and wait until it is ready."""
        self.spawn()
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        """Wait until it is ready, after `spawn`."""
        self._wait_until_ready()

    def stop(self) -> None:
        """Tell it to stop (SIGTERM), wait, and note its exit code."""
        process = self._process
        super().stop()
        self.exit_code = process.returncode if process else None

    def hang(self) -> None:
        """Stop it where it stands (SIGSTOP), as a machine does that is out of breath."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on as if nothing had happened (SIGCONT)."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGCONT)

    def events(self, *, since_start: bool = False) -> list[dict[str, Any]]:
        """What it logged, over all its starts or since the last one; oldest first."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._read_from if since_start else 0, os.SEEK_SET)
            lines = [line for line in log.read().split(b"\n") if line.startswith(b"{")]
        return [json.loads(line) for line in lines if line.endswith(b"}")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """The events of this name, over all its starts."""
        return [each for each in self.events() if each["event"] == event]

    def defects(self) -> list[str]:
        """What it logged and never should have: unforeseen errors, and tracebacks outside the log's own lines."""
        words = self.log.read_text(errors="replace") if self.log.exists() else ""
        raw = ["Traceback"] if "\nTraceback (most recent call last)" in f"\n{words}" else []
        return raw + [json.dumps(each)[:2000] for each in self.events() if each["event"] in DEFECTS]
