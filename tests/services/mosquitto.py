"""A real Mosquitto on a free port of the loopback address."""

import getpass

from tests.services.service import Service, accepts, find_binary, free_port


class Mosquitto(Service):
    """A broker, anonymous unless told otherwise.

    Args:
        persistence: keep sessions, queues and retained messages over a restart.
        anonymous: let everybody in.
        settings: more lines of mosquitto.conf, placed after the listener, so that they may belong to it.
    """

    def __init__(
        self, *, persistence: bool = False, anonymous: bool = True, settings: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.port = free_port()
        self.settings = settings
        self._persistence = persistence
        self._anonymous = anonymous

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"mqtt://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [find_binary("mosquitto"), "-c", str(self.directory / "mosquitto.conf")]

    def prepare(self) -> None:
        lines = [
            f"user {getpass.getuser()}",  # else it turns from root into a user who cannot read our folder
            f"persistence {str(self._persistence).lower()}",
            f"persistence_location {self.directory}/",
            "log_dest stderr",
            "log_type all",
            f"allow_anonymous {str(self._anonymous).lower()}",
            f"listener {self.port} 127.0.0.1",
            *self.settings,
        ]
        (self.directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def is_ready(self) -> bool:
        return accepts(self.port)
