"""The detour around a flood: while a device floods a shard, ingest listens there to every other device by name.

To drop a message costs the network thread a hundred times what it costs to send one, and what waits behind it on
the one connection to the broker waits with it. The broker knows no "all but this one"; but the registry knows who
the others are. So the subscription to the shard is replaced by one for each registered device, without those that
flood, and the broker keeps the flood to itself. After a while the shard is listened to as a whole again.

**Invariant**: of a registered device that does not flood, every channel is subscribed to at any moment; the new
subscriptions come before the old one goes.

A device that is not registered is not heard meanwhile, and one that is registered meanwhile from the next turn on.
Is not: protection of the broker, which reads the flood all the same.
"""

from collections.abc import Callable, Collection

import structlog

from waterquality.topics import shard

_log = structlog.get_logger()
_LASTS_S = 300.0


class Detour:
    """Which shards are listened to by name, and until when.

    Args:
        follow: subscribes to topics.
        leave: ends subscriptions.
        whole: the topics by which a shard is listened to as a whole.
        named: the topics by which one device is listened to.
    """

    def __init__(
        self,
        *,
        follow: Callable[[Collection[str]], None],
        leave: Callable[[Collection[str]], None],
        whole: Callable[[str], Collection[str]],
        named: Callable[[str], Collection[str]],
    ) -> None:
        self._follow, self._leave, self._whole, self._named = follow, leave, whole, named
        self._until_s: dict[str, float] = {}  # by shard
        self._left_out: dict[str, frozenset[str]] = {}
        self._listening: dict[str, frozenset[str]] = {}  # the topics of the devices of a shard

    def turn(
        self,
        flooded: Collection[str],
        *,
        flooding: Collection[str],
        devices: Collection[str],
        held: Collection[str],
        now_s: float,
    ) -> None:
        """Begin, keep up and end detours.

        Args:
            flooded: shards in whose topics somebody floods now.
            flooding: devices that send more than they may.
            devices: all that are registered.
            held: the shards that are ours.
            now_s: seconds of a clock that only goes forward.
        """
        for each in set(flooded) & set(held):
            self._until_s[each] = now_s + _LASTS_S
            before = self._left_out.get(each, frozenset())
            self._left_out[each] = before | frozenset(flooding)
            if self._left_out[each] != before:
                _log.warning("flood_detoured", shard=each, devices=sorted(flooding), for_s=_LASTS_S)
        for each, until_s in tuple(self._until_s.items()):
            if now_s >= until_s or each not in held:
                self._end(each, is_held=each in held)
            else:
                self._keep(each, [one for one in devices if shard(one) == each])

    def _keep(self, place: str, devices: Collection[str]) -> None:
        others = [each for each in devices if each not in self._left_out[place]]
        wanted = frozenset(topic for each in others for topic in self._named(each))
        before = self._listening.get(place)
        self._listening[place] = wanted
        if before is None:
            self._follow(wanted)
            self._leave(self._whole(place))
        elif wanted != before:
            self._follow(wanted - before)
            self._leave(before - wanted)

    def _end(self, place: str, *, is_held: bool) -> None:
        del self._until_s[place], self._left_out[place]
        if is_held:
            self._follow(self._whole(place))
        self._leave(self._listening.pop(place, frozenset()))
        _log.info("flood_detour_ended", shard=place)
