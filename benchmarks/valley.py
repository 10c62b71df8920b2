"""The agents of `benchmarks.custody`, and what can be done to them: a network that is cut, a disk that fills up.

Some agents live in a network namespace of their own, behind a veth pair whose far end the broker listens on; some
have their card on a small tmpfs. Both need root and iproute2; where they cannot be made, that is said, and the run
goes on without.
"""

import os
import random
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.one_device import device_toml
from edge.outbox import look_into
from tests.fakes.programs import PYTHON, ROOT, Program
from waterquality.intervals import IntervalSet

_DISK_BYTES = 5 * 1024 * 1024
_SLOW_S = 86_400.0
_EDGE_TOML = """
heartbeat_every_s = 2
device_config = "{card}/device.toml"
certificates = "{card}/certificates"
trusts_clock = "always"
[mqtt]
host = "{host}"
port = {port}
authentication = "none"
keepalive_s = 5
[outbox]
path = "{card}/outbox.db"
[uplink]
repeat_after_s = 2.0
[budget]
path = "{card}/budget.json"
[door]
path = "{folder}/{device}.sock"
[remote]
folder = "{card}/remote"
[log]
format = "json"
"""


class NotHere(RuntimeError):
    """This machine does not let us; the message says what."""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Network:
    """A namespace and the veth pair that leads into it; goes with `close`.

    Attributes:
        host: the address at which the broker is reached from inside.

    Raises:
        NotHere: no namespace can be made.
    """

    def __init__(self) -> None:
        number = random.randrange(1, 250)
        self.name, self._near, self._far = f"tskaro-{os.getpid()}", f"tsk{os.getpid()}a", f"tsk{os.getpid()}b"
        self.host, inside = f"198.18.{number}.1", f"198.18.{number}.2"  # RFC 2544: for benchmarks
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
            _ip("addr", "add", f"{self.host}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            _ip("-n", self.name, "addr", "add", f"{inside}/30", "dev", self._far)
            _ip("-n", self.name, "link", "set", self._far, "up")
            _ip("-n", self.name, "link", "set", "lo", "up")
        except (NotHere, FileNotFoundError) as error:
            self.close()
            raise NotHere(str(error)) from error

    def cut(self) -> None:
        """Nothing gets through, and nobody is told."""
        _ip("-n", self.name, "link", "set", self._far, "down")

    def mend(self) -> None:
        """Everything gets through again."""
        _ip("-n", self.name, "link", "set", self._far, "up")

    def close(self) -> None:
        """Take it away, with all that is in it."""
        for words in (
            ("link", "del", self._near),
            ("netns", "del", self.name),
        ):  # else the link goes a while later
            with suppress(NotHere, FileNotFoundError):
                _ip(*words)


class Disk:
    """A small disk at a path; goes with `close`.

    Raises:
        NotHere: nothing can be mounted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tskaro", str(path)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotHere(f"mount: {done.stderr.strip()}")

    def fill(self) -> None:
        """Take all the room there is."""
        with suppress(OSError), (self._path / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 4096)

    def clear(self) -> None:
        """Give it back."""
        (self._path / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", str(self._path)], capture_output=True, check=False)


class Agent(Program):
    """An agent as `tskaro-edge run` runs it, over simulated probes.

    Args:
        device: its id.
        card: the folder that is its card.
        host: of the broker.
        port: of the broker.
        every_s: seconds from one observation to the next.
        inside: the network it lives in; None for the machine's own.
    """

    def __init__(
        self, device: str, card: Path, *, host: str, port: int, every_s: float, inside: Network | None = None
    ) -> None:
        self.device, self.card, self.inside = device, card, inside
        card.mkdir(parents=True, exist_ok=True)
        self._observes(every_s)
        edge_toml = _EDGE_TOML.format(card=card, folder=card.parent, host=host, port=port, device=device)
        (card / "edge.toml").write_text(edge_toml)
        enter = [] if inside is None else ["ip", "netns", "exec", inside.name]
        super().__init__(
            [*enter, *PYTHON, "-m", "benchmarks.agent_process", str(card / "edge.toml")],
            ready_event="",
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        )

    def rest(self) -> None:
        """Stop it, and let it only send from now on."""
        self.stop()
        self._observes(_SLOW_S)
        self.spawn()

    def outbox(self) -> tuple[str, int, IntervalSet, int]:
        """Epoch, head, what is held, and how many numbers were dropped, as its outbox says."""
        epoch, depth = look_into(self.card / "outbox.db")
        held = IntervalSet(((depth.held, depth.head),)) if depth.records else IntervalSet()
        return epoch, depth.head, held, depth.in_gaps

    def _observes(self, every_s: float) -> None:
        (self.card / "device.toml").write_text(device_toml(self.device, every_s))


def spread(
    names: Sequence[str], folder: Path, port: int, every_s: float, network: Network | None
) -> list[Agent]:
    """An agent for each name: every other one in the network that can be cut."""
    agents = []
    for number, name in enumerate(names):
        inside = network if number % 2 else None
        host = inside.host if inside is not None else "127.0.0.1"
        agents.append(Agent(name, folder / name, host=host, port=port, every_s=every_s, inside=inside))
    return agents
