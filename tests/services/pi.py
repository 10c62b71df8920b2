"""A machine that boots a card: Debian 12 with its own systemd in a container, as near to a Pi as a test can come.

The boot partition is a folder, mounted where Raspberry Pi OS 12 has it; what a boot does follows from the words for
systemd in its `cmdline.txt`, as on a Pi. The network is that of the tests. It takes root, systemd-nspawn and
mmdebstrap. Is not a Pi: there is no firmware that reads `config.txt`, no GPIO, and what was not yet brought to the
disk survives a power cut.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.fakes.patience import eventually
from tests.services.service import ServiceError, find_binary

# What Raspberry Pi OS Lite has of the things that the first boot or the agent stand on, and nothing more of Python.
_PACKAGES = (
    "dbus",
    "network-manager",
    "passwd",
    "python3",
    "systemd-sysv",
    "systemd-timesyncd",
    "tzdata",
    "udev",
)
_CACHE = Path(tempfile.gettempdir()) / "tskaro-tests-debian-12.tar"
_REBOOT = 133  # how systemd-nspawn ends when the machine asks to be started again
# They would look after a network that is not theirs.
_MASKED = ("NetworkManager", "NetworkManager-wait-online", "ModemManager", "wpa_supplicant", "console-getty")


@cache
def why_not() -> str:
    """Why no machine can be booted here; "" when one can."""
    if os.geteuid() != 0:
        return "a machine can only be booted by root"
    nspawn = shutil.which("systemd-nspawn")
    if nspawn is None:
        return "systemd-nspawn is not installed: run deploy/test-packages.sh"
    trial = [nspawn, "--quiet", "--register=no", "--keep-unit", "--volatile=yes", "--directory=/"]
    tried = subprocess.run([*trial, "/usr/bin/true"], capture_output=True, text=True, timeout=60, check=False)
    return "" if tried.returncode == 0 else f"no container can be started here: {tried.stderr.strip()[:200]}"


class Pi:
    """One machine and the card in it.

    Args:
        folder: where its disk and its log are to be.
        boot: the boot partition of the card.
    """

    def __init__(self, folder: Path, boot: Path) -> None:
        self.root, self.boot, self.log = folder / "root", boot, folder / "console"
        self._process: subprocess.Popen[bytes] | None = None
        self.root.mkdir(parents=True)
        subprocess.run(["tar", "-C", self.root, "-xf", _system()], check=True)
        (self.root / "boot/firmware").mkdir(parents=True)
        for unit in _MASKED:
            (self.root / f"etc/systemd/system/{unit}.service").symlink_to("/dev/null")

    def switch_on(self) -> None:
        """Boot, and return at once."""
        assert self._process is None
        words = (self.boot / "cmdline.txt").read_text().split()
        command = [find_binary("systemd-nspawn"), "--quiet", "--register=no", "--keep-unit", "--boot"]
        command += [f"--machine={self.root.parent.name}", f"--directory={self.root}"]
        command += [f"--bind={self.boot}:/boot/firmware"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(word for word in words if word.startswith("systemd."))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, within_s: float = 240.0) -> str:
        """Wait until it is off or wants to be started again; says which."""
        assert self._process is not None
        code = self._process.wait(within_s)
        self._process = None
        return "reboot" if code == _REBOOT else "off"

    def switch_off(self) -> None:
        """Shut down in good order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self.wait()

    def cut_power(self) -> None:
        """End everything at this instant: with its first process goes the whole machine."""
        assert self._process is not None
        for process in self.processes():
            with suppress(OSError):
                if _number_inside(process) == 1:
                    os.kill(process, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None
        eventually(lambda: not self.processes())

    def said(self) -> str:
        """What stood on its screen."""
        return self.log.read_text(errors="replace")

    def processes(self, words: str = "") -> list[int]:
        """The ids, outside, of its processes whose command line holds these words."""
        own = self.root.stat()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                there = (entry / "root").stat()
                said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino) and words in said:
                found.append(int(entry.name))
        return found

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of its disk without booting."""
        return subprocess.run(
            ["chroot", str(self.root), *command], capture_output=True, text=True, check=False, timeout=60
        )

    def close(self) -> None:
        """Switch off and throw away."""
        if self._process is not None:
            self.cut_power()
        shutil.rmtree(self.root, ignore_errors=True)


def _number_inside(process: int) -> int:
    """The id of a process in the innermost namespace that it is in."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("NSpid:"))
    return int(line.split()[-1])


def _system() -> Path:
    """The system as a tar, made once a machine."""
    with _CACHE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _CACHE.exists():
            new = _CACHE.with_suffix(".new.tar")
            made = subprocess.run(
                [
                    find_binary("mmdebstrap"),
                    "--quiet",
                    "--variant=minbase",
                    f"--include={','.join(_PACKAGES)}",
                    "bookworm",
                    new,
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if made.returncode:
                raise ServiceError(f"no Debian could be had:\n{made.stderr[-2000:]}")
            new.rename(_CACHE)
    return _CACHE
