"""A real service of Debian, run for a test: started in a folder of its own on ports of its own.

Invariants: nothing is signalled but the process started here; a service is ready when `start` returns; its
folder goes with it. Ports keep their numbers over a restart, and lie below the range from which the kernel
hands out ports of its own accord, so that nobody takes one while the service is down.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_PORTS = range(18_000, 32_000)
_POLL_S = 0.02
_LOG_TAIL = 4_000


class ServiceError(RuntimeError):
    """A service is missing, did not come up, or did not go down; the message carries the end of its log."""


def free_port() -> int:
    """A TCP port on which nobody listens on the loopback address."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def find_binary(*candidates: str) -> str:
    """The first of these programs that is here: names to look up, or paths.

    Raises:
        ServiceError: none is here.
    """
    for candidate in candidates:
        found = shutil.which(candidate, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if found:
            return found
    raise ServiceError(f"{candidates[0]} is not installed: run deploy/test-packages.sh")


class Service:
    """A process with a folder, a log and a state: the common part of the services.

    Attributes:
        directory: where it keeps its configuration, data and log.
        log: its output, standard and error, over all its starts.
    """

    ready_within_s = 30.0
    stop_signal = signal.SIGTERM
    user: str | None = None  # the system user it must run as, when we are root

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"tskaro-{type(self).__name__.lower()}-"))
        self.log = self.directory / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What to run."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it answers now."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Lay down what it needs before its first start."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> Self:
        """Start it, unless it runs already, and wait until it answers."""
        if self.pid is not None:
            return self
        if not self.log.exists():
            self.prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.as_user(),
            )
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """Ask it to end and wait until it has."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It is stopped, and its folder may be looked at or put back; afterwards it runs again."""
        self.stop()
        yield
        self.start()

    def restart(self) -> None:
        """Stop and start again on the same ports, with the same data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def as_user(self) -> dict[str, object]:
        """What `subprocess` needs to run something as this service's user."""
        if self.user is None or os.geteuid() != 0:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.ready_within_s
        while not self.is_ready():
            if self.pid is None or time.monotonic() > deadline:
                self.kill()
                tail = self.log.read_text(errors="replace")[-_LOG_TAIL:]
                raise ServiceError(f"{type(self).__name__} did not start:\n{tail}")
            time.sleep(_POLL_S)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(self.ready_within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServiceError(f"{type(self).__name__} did not end within {self.ready_within_s} s") from None


def accepts(port: int) -> bool:
    """Whether somebody takes connections on this port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
