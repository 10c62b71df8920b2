"""The name of an ingest worker: who it is, and for others on the same machine whether it still lives.

`<host>:<boot>.<pid space>:<pid>.<started>:<chance>`. A worker that was killed need not be waited for:
whoever shares its machine, boot and space of process numbers (containers have their own) sees that it has gone.
"""

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class WorkerName:
    """A worker of one process.

    Attributes:
        host: for people.
        realm: the boot of the machine and its space of process numbers; "" where that cannot be told.
        process: process number and when it was started; together never used twice within a realm.
        chance: tells workers of one process apart.
    """

    host: str
    realm: str
    process: str
    chance: str

    def __str__(self) -> str:
        return f"{self.host}:{self.realm}:{self.process}:{self.chance}"

    @classmethod
    def of_this_process(cls) -> Self:
        """A new name."""
        pid = os.getpid()
        host = socket.gethostname().replace(":", "-")[:60]
        return cls(host, realm(), f"{pid}.{_started(pid)}", secrets.token_hex(4))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The name in its written form; None when it is none."""
        try:
            host, realm, process, chance = text.split(":")
        except ValueError:
            return None
        return cls(host, realm, process, chance)

    def has_gone(self, seen_from: str) -> bool:
        """Whether its process is certainly no more.

        Args:
            seen_from: the realm of whoever asks; of another one nobody can tell.
        """
        if not self.realm or self.realm != seen_from:
            return False
        pid, _, started = self.process.partition(".")
        return _started(int(pid)) != started


def realm() -> str:
    """The realm of this process; "" where it cannot be told."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process was started, in ticks since boot; "" where none runs, which its parent may not know yet."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
