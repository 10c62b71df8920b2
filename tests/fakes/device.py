"""A device of the tests: the production agent in a process that may be stopped, killed, and started again."""

import json
from dataclasses import dataclass
from pathlib import Path

from edge.outbox import Depth, look_into
from tests.fakes.patience import eventually
from tests.fakes.programs import PYTHON, Program

_Name = tuple[str, int]


@dataclass(frozen=True)
class Witnessed:
    """A record that `append` has returned."""

    epoch: str
    seq: int
    taken_ms: int
    kind: str

    @property
    def name(self) -> _Name:
        """Epoch and number."""
        return self.epoch, self.seq


class Device(Program):
    """One device.

    Args:
        device: its id.
        port: of the broker.
        folder: where its card is; another device may be given the same files.
        every_s: seconds from one observation to the next.
        repeat_after_s: seconds without a receipt before a batch is sent again.
        serial: of the Pi that the card is in.
    """

    def __init__(
        self,
        device: str,
        port: int,
        folder: Path,
        *,
        every_s: float = 0.05,
        repeat_after_s: float = 0.5,
        serial: str = "pi-1",
    ) -> None:
        super().__init__(
            [*PYTHON, "-m", "tests.fakes.device_process", str(folder)], ready_event="device_started"
        )
        self.device, self.card = device, folder
        folder.mkdir(parents=True, exist_ok=True)
        given = {"device": device, "port": port, "every_s": every_s, "repeat_after_s": repeat_after_s}
        (folder / "device.json").write_text(json.dumps(given | {"serial": serial}))
        self.sees()

    def sees(self, *, turbidity: float = 0.5, ph: float = 7.4) -> None:
        """The water in front of its probes is like this from now on."""
        written = self.card / "water.json.new"
        written.write_text(json.dumps({"turbidity": turbidity, "ph": ph}))
        written.replace(self.card / "water.json")

    def rest(self, *, rests: bool = True) -> None:
        """Take no more observations, and go on sending; or begin again with the next start.

        Where it runs, the observation that was on its way into the outbox is in it when this returns.
        """
        (self.card / "rest").touch()
        if not rests:
            for name in ("rest", "resting"):
                (self.card / name).unlink(missing_ok=True)
        elif self.pid is not None:
            eventually((self.card / "resting").exists)

    @property
    def outbox(self) -> Path:
        """Its outbox file."""
        return self.card / "outbox.db"

    @property
    def epoch(self) -> str:
        """The epoch of its outbox."""
        return look_into(self.outbox)[0]

    def depth(self) -> Depth:
        """How its outbox stands."""
        return look_into(self.outbox)[1]

    def witnessed(self) -> list[Witnessed]:
        """Every record that it has appended for certain, in order."""
        path = self.card / "witness"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        parts = (line.split() for line in lines)
        return [Witnessed(epoch, int(seq), int(taken_ms), kind) for epoch, seq, taken_ms, kind in parts]

    def observed(self) -> int:
        """How many observations it has appended for certain."""
        return sum(each.kind == "observation" for each in self.witnessed())
