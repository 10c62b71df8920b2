"""Waits before a start, longer each time the one before has failed: a device that cannot run spares card and SIM.

systemd 252 starts a service anew after one and the same pause for ever. An agent that fails at every start would
open a connection some four thousand times a day, and soon the month's megabytes would be gone. So systemd runs this
program (`python3 -I pace.py FILE`, nothing but the standard library, changed by no update) before each start and
after each end; after an end it says how that came about (`SERVICE_RESULT`).

The first few ends cost nothing, so that a person at the tap does not wait. What ran for an hour has not failed at
its start; what a person stops, or boots anew, begins anew.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_FREE_ENDS = 3
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 15.0, 165.0  # TimeoutStartSec=180 ends whatever waits longer
_RAN_WELL_S = 3600.0
_BEGIN_ANEW = "75"  # EX_TEMPFAIL of sysexits.h: the agent asks to be started again


@dataclass(frozen=True, slots=True)
class Ends:
    """What is remembered from one start to the next.

    Attributes:
        boot_id: of the boot that it belongs to.
        started_s: when the agent was started last, in seconds since that boot.
        failed: how often in a row it ended soon and not because somebody wished it.
    """

    boot_id: str = ""
    started_s: float = 0.0
    failed: int = 0


def pause_s(failed: int) -> float:
    """Seconds to wait before a start, after so many failures in a row."""
    if failed <= _FREE_ENDS:
        return 0.0
    return min(_FIRST_PAUSE_S * 2.0 ** min(failed - _FREE_ENDS - 1, 10), _LONGEST_PAUSE_S)


def ended(before: Ends, now_s: float, *, result: str, status: str) -> Ends:
    """What is remembered after an end.

    Args:
        before: of the start.
        now_s: seconds since boot.
        result: systemd's word on it; `success` where it was stopped or ended well.
        status: its exit status.
    """
    is_wished = result == "success" or status == _BEGIN_ANEW
    failed = 0 if is_wished else 1 + before.failed * (now_s - before.started_s < _RAN_WELL_S)
    return Ends(before.boot_id, before.started_s, failed)


def read(path: Path, boot_id: str) -> Ends:
    """What is remembered in this boot; nothing where that cannot be read."""
    with suppress(OSError, ValueError, TypeError):
        ends = Ends(**json.loads(path.read_text(encoding="utf-8")))
        if ends.boot_id == boot_id and isinstance(ends.failed, int) and isinstance(ends.started_s, float):
            return ends
    return Ends(boot_id)


def _write(path: Path, ends: Ends) -> None:
    beside = path.with_name(f".{path.name}.new")
    with suppress(OSError):
        beside.write_text(json.dumps(asdict(ends)), encoding="utf-8")
        beside.replace(path)


def run(path: Path, told: Mapping[str, str], boot_id: str) -> None:
    """Take note of an end, or wait before a start.

    Args:
        path: where it is remembered.
        told: the environment that systemd gives.
        boot_id: of this boot.
    """
    ends = read(path, boot_id)
    if "SERVICE_RESULT" in told:
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        _write(path, ended(ends, now_s, result=told["SERVICE_RESULT"], status=told.get("EXIT_STATUS", "")))
        return
    if wait_s := pause_s(ends.failed):
        print(f"failed {ends.failed} times in a row: waiting {wait_s:g} s before the next start")  # noqa: T201
        sys.stdout.flush()
        time.sleep(wait_s)
    _write(path, Ends(boot_id, time.clock_gettime(time.CLOCK_BOOTTIME), ends.failed))


if __name__ == "__main__":
    run(
        Path(sys.argv[1]),
        os.environ,
        Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
    )
