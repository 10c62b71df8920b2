"""A real Mosquitto that was told what `tskaro broker configure` writes, beside what Debian tells it."""

import getpass
import shutil
import signal
from pathlib import Path

from tests.services.mosquitto import Mosquitto

# /etc/mosquitto/mosquitto.conf of Debian 12, with folders of the test.
_OF_DEBIAN = """
pid_file {0}/mosquitto.pid

persistence true
persistence_location {0}/

log_dest stderr

include_dir {0}/conf.d
"""


class GuardedMosquitto(Mosquitto):
    """A broker as the guide sets it up.

    Args:
        files: where its configuration, access lists and certificates are.
        port: the server's door, as the configuration has it.
    """

    def __init__(self, files: Path, port: int) -> None:
        super().__init__()
        self.files, self.port = files, port

    def prepare(self) -> None:
        included = self.directory / "conf.d"
        included.mkdir()
        shutil.copy(self.files / "tskaro.conf", included)
        user = f"user {getpass.getuser()}\n"  # else it turns from root into a user who cannot read our folder
        (self.directory / "mosquitto.conf").write_text(user + _OF_DEBIAN.format(self.directory))

    @property
    def reloads(self) -> int:
        """How often it has read its files again."""
        return self.log.read_text(errors="replace").count("Reloading config")

    def reload(self) -> None:
        """What `systemctl reload mosquitto` does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
