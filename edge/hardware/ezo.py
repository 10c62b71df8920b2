"""A circuit of the EZO class over I2C: a command in ASCII, a wait, a code and an answer in ASCII.

Facts from Atlas Scientific's EZO-pH datasheet 5.8, part I2C: the first byte of an answer is 1 success, 2 syntax
error, 254 still at work, 255 nothing to send; the text behind it ends with a NUL, and what follows is left over
from longer answers. On some Raspberry Pis the top bit of a byte of the text comes back set (Atlas's own example for
the Pi clears it), so it is cleared: the text is ASCII.

Invariant: an answer belongs to the command before it, because the bus is held from the one to the other.
"""

from edge.hardware.i2c import I2cBus, Pause
from edge.probes.inputs import AnswerGarbled, CommandRefused, ProbeDisconnected, ProbeFault

_AT_WORK = 254
_LONGEST_ANSWER = 40
_LOOK_AGAIN_S = 0.3
_LOOKS = 5


class EzoCircuit:
    """A `Circuit` at an address.

    Args:
        bus: that it hangs on.
        address: its I2C address.
        pause: waits for so many seconds.
    """

    def __init__(self, bus: I2cBus, address: int, *, pause: Pause) -> None:
        self._bus, self._address, self._pause = bus, address, pause
        self._is_open = True

    def ask(self, command: str, *, wait_s: float) -> str:
        """Its answer to a command; "" where success is all that it says.

        Args:
            command: as its maker writes it, e.g. `R`.
            wait_s: seconds that it needs for this command.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: what answers cannot be understood; mended by the operator.
            CommandRefused: it does not know the command.
            ProbeFault: it does not come to an answer; mended by the operator.
        """
        if not self._is_open:
            raise ProbeDisconnected("the circuit was let go")
        with self._bus.alone():
            self._bus.write(self._address, command.encode("ascii"))
            self._pause(wait_s)
            answer = self._answer()
        return _text(answer, command)

    def close(self) -> None:
        """Let go of the circuit; the bus is another's to close."""
        self._is_open = False

    def _answer(self) -> bytes:
        answer = self._bus.read(self._address, _LONGEST_ANSWER)
        for _ in range(_LOOKS):
            if answer[0] != _AT_WORK:
                break
            self._pause(_LOOK_AGAIN_S)
            answer = self._bus.read(self._address, _LONGEST_ANSWER)
        return answer


def _text(answer: bytes, command: str) -> str:
    match answer[0]:
        case 1:
            return _ascii(answer[1:])
        case 2:
            raise CommandRefused(f"the circuit does not know `{command}`")
        case 254:
            raise ProbeFault(f"the circuit does not come to an end with `{command}`")
        case 255:
            raise ProbeFault(f"the circuit has no answer to `{command}`: it may have restarted meanwhile")
        case code:
            raise AnswerGarbled(f"the circuit answers `{command}` with code {code}")


def _ascii(text: bytes) -> str:
    letters = bytes(byte & 0x7F for byte in text).partition(b"\0")[0].decode("ascii")
    if not letters.isprintable():
        raise AnswerGarbled(f"the circuit answers {letters!r}")
    return letters
