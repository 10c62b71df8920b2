"""What Mosquitto is told: its configuration, its two access lists, and the server's password.

Made for the Mosquitto 2.0 of Debian 12, and tried against it (`tests/server/broker/`). Two doors: devices come over
TLS and are who their certificate says; the server comes over the loopback with a password. Who may speak where is
`waterquality.topics.CHANNELS` and nothing else. Every setting stands below a sentence that says why.

**Invariants**
* A device can write and read as itself alone, each channel in one direction; nobody else gets in.
* Nothing depends on what the broker remembers: devices repeat what gets no receipt, the server says again what it
  owes.

Is not: a limit on how much a device sends, which Mosquitto does not have; `server.ingest.gate` has it.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from string import Template

from server.registry.reserved import DRILL_DEVICE
from waterquality.topics import CHANNELS, LIVE_ROOT, ROOT, Direction, of_device, whole
from waterquality.wire.decode import MAX_PAYLOAD_BYTES

FOLDER = Path("/etc/mosquitto/tskaro")
MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + 1024  # the largest batch, and its topic
_ROUNDS = 101  # as mosquitto_passwd; the password is random, and the broker reckons while others wait

_CONF = Template("""\
# Made by `tskaro broker configure`. Change nothing here: change the settings, and make it anew.

# The two doors below have rules of their own. Must come first.
per_listener_settings true

# What is retained (receipts, statuses, configurations) outlives a restart, which spares everybody saying it again.
# Nothing depends on it.
persistence true

# The largest batch and its topic. Who sends more is cut off; with message_size_limit it would be acknowledged and
# thrown away.
max_packet_size $packet_bytes

# How many messages may wait for one client. Ingest hears readings at QoS 0 and takes them in rounds, in which its
# line may stand still for a second or two: what comes meanwhile, 5,000 a second, must fit. What does not fit is
# dropped, and its device repeats it after 30 s.
max_queued_messages 20000

# The same in bytes, for what is acknowledged: configurations, commands, answers. (Mosquitto 2.0 does not count
# QoS 0 here; memory_limit does.)
max_queued_bytes 33554432

# Few: what is sent at QoS 1 is small and rare, and what is not in flight yet can still be replaced by newer.
max_inflight_messages 20

# Nothing is kept for who is away: the device holds it, or the server says it again.
queue_qos0_messages false

# A device begins a clean session each time. Whoever does not is forgotten after a day.
persistent_client_expiration 1d

# Longer than any device is set to be silent. It binds MQTT 5 only, which no device of ours speaks.
max_keepalive 7200

# A receipt leaves at once and does not wait for more to send (Nagle, 40 ms).
set_tcp_nodelay true

# Twice what ten thousand devices take, 26 kB each. Beyond it, whoever makes it more is cut off, and neither store
# nor database on the same machine starves.
memory_limit 536870912

# ---- The door of the devices.
listener $port $listen

# No certificate of our authority, no entry; nor with one that is past its date or was taken back. The list of those
# is read again at a reload (SIGHUP).
allow_anonymous false
require_certificate true
cafile $folder/ca.pem
crlfile $folder/crl.pem
certfile $folder/broker.pem
keyfile $folder/broker.key

# At least TLS 1.2, and no exchange of keys that could be read later by who has the broker's key then.
tls_version tlsv1.2
ciphers ECDHE+AESGCM:ECDHE+CHACHA20

# A device is who its certificate says, whatever it calls itself. As a user, for the list of what it may do. As a
# client, so that it cannot push another off the line, and that its second connection ends its first.
use_identity_as_username true
use_username_as_clientid true
acl_file $folder/devices.acl

# Ten thousand devices, and room for connections that nobody has noticed to be dead. Handshakes that were only begun
# count too. The drop-in of the broker's unit gives it as many files, and more for the server.
max_connections 12000

# ---- The door of the server: this machine alone. A crowd at the other door does not keep it out.
listener $server_port 127.0.0.1

# With a password. No use_username_as_clientid: the server has several connections under one name.
allow_anonymous false
password_file $folder/server.passwd
acl_file $folder/server.acl

# A dozen for each of the server's processes, and nobody else has the password.
max_connections 200
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where the broker is reached, and where it finds its files.

    Attributes:
        folder: where its files are going to be.
        listen: address on which devices are awaited; "" for every one.
        port: for devices.
        server_port: for the server, on the loopback.
        username: of the server.
    """

    folder: Path = FOLDER
    listen: str = ""
    port: int = 8883
    server_port: int = 1883
    username: str = "tskaro"


def mosquitto_conf(doors: Doors) -> str:
    """The configuration: one file for `/etc/mosquitto/conf.d`."""
    text = _CONF.substitute(
        folder=doors.folder,
        listen=doors.listen,
        port=doors.port,
        server_port=doors.server_port,
        packet_bytes=MAX_PACKET_BYTES,
    )
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def device_acl() -> str:
    """Who may do what at the door of the devices: each as itself, each channel in one direction."""
    verbs = {Direction.UP: "write", Direction.DOWN: "read"}
    rules = [f"pattern {verbs[way]} {ROOT}/+/%u/{whole(channel)}" for channel, way in CHANNELS.items()]
    return "\n".join(["# %u is the common name of the certificate.", *rules, ""])


def server_acl(username: str) -> str:
    """What the server may do: hear devices, speak to them, and talk with its own processes.

    It reads receipts too: whoever hands in a stick waits for them. Of devices it can play none but the drill's.
    """
    rules = [
        f"topic read {ROOT}/+/+/{whole(channel)}" for channel, way in CHANNELS.items() if way is Direction.UP
    ]
    rules += [
        f"topic {'readwrite' if channel == 'receipt' else 'write'} {ROOT}/+/+/{channel}"
        for channel, way in CHANNELS.items()
        if way is Direction.DOWN
    ]
    rules.append(f"topic write {of_device(DRILL_DEVICE, 'readings')}/+/+")
    return "\n".join([f"user {username}", *rules, f"topic readwrite {LIVE_ROOT}/#", ""])


def password_line(username: str, password: str, salt: bytes) -> str:
    """A line of Mosquitto's password file: PBKDF2 with SHA-512, as `mosquitto_passwd` writes it.

    Args:
        username: without a colon.
        password: in the clear; it does not stand in what is returned.
        salt: 12 random bytes.
    """
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"{username}:$7${_ROUNDS}${_base64(salt)}${_base64(derived)}\n"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
