"""Ends somebody's session on the broker, by connecting under his name: a broker lets a client id in only once."""

import threading

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from server.bus.mqtt import BrokerAddress


def end_session(broker: BrokerAddress, client_id: str, within_s: float = 5.0) -> bool:
    """End the session of a client, and what the broker keeps for it; returns whether the broker did it in time.

    He may come back at once, unless the broker lets him in no more. Only where the server has a door of its own, at
    which a client may call itself what it likes.
    """
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True, reconnect_on_failure=False
    )
    client.connect_timeout = within_s
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls is not None:
        client.tls_set_context(broker.tls)
    is_in = threading.Event()
    client.on_connect = lambda _, __, ___, code, ____: is_in.set() if code == 0 else None
    try:
        client.connect(broker.host, broker.port)
    except OSError:
        return False
    client.loop_start()
    done = is_in.wait(within_s)
    client.disconnect()
    client.loop_stop()
    return done
