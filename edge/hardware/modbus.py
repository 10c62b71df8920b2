"""The door to RS-485: a serial line on which Modbus RTU probes answer one after the other, through pymodbus.

The line may be an adapter on a cable, so it need not be there when the agent starts: each question opens it if it
is not open, and a failure closes it. pymodbus repeats a question once and then raises the same error for silence
and for a frame whose checksum does not fit; bytes that came in between tell them apart.

Invariants: one question at a time, with the pause between frames that the standard asks for (3.5 characters, and
1.75 ms above 19,200 baud: Modbus over Serial Line 1.02, 2.5.1.1); a question ends within about four times the
line's reply time; what comes back is as many registers as were asked for, or an error that says why not.
"""

import logging
import os
import threading
from collections.abc import Callable

from pymodbus import ModbusException
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ConnectionException, ModbusIOException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from edge.probes.inputs import AnswerGarbled, ProbeDisconnected, ProbeFault
from firmware_config.buses import LineSettings
from firmware_config.signals import Function

# It logs what it raises as well, once for each retry; what went wrong is ours to say.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Pause = Callable[[float], None]
_PARITIES = {"none": "N", "even": "E", "odd": "O"}
_REPEATS = 1
_QUIET_CHARACTERS, _BITS_A_CHARACTER = 3.5, 11
_SHORTEST_QUIET_S = 0.00175
# Modbus Application Protocol 1.1b3, 7.
_EXCEPTIONS = {
    1: "it does not know the function",
    2: "it has no such register",
    3: "it cannot give so many registers",
    4: "it has failed inside",
    5: "it needs more time",
    6: "it is busy",
}


class ModbusLine:
    """One serial line, opened at the first question.

    Args:
        settings: port, speed, parity, stop bits and how long to wait for an answer.
        pause: waits for so many seconds.
    """

    def __init__(self, settings: LineSettings, *, pause: Pause) -> None:
        self._settings, self._pause = settings, pause
        self._quiet_s = max(_SHORTEST_QUIET_S, _QUIET_CHARACTERS * _BITS_A_CHARACTER / settings.baud)
        self._lock = threading.Lock()
        self._heard = 0
        self._is_open = True
        self._client = ModbusSerialClient(
            settings.port,
            baudrate=settings.baud,
            parity=_PARITIES[settings.parity],
            stopbits=settings.stop_bits,
            timeout=settings.reply_within_s,
            retries=_REPEATS,
            trace_packet=self._listen,
        )

    def read(self, unit: int, *, function: Function, address: int, count: int) -> tuple[int, ...]:
        """Registers of a probe as they are now.

        Args:
            unit: address of the probe on the line.
            function: `holding` or `input`.
            address: of the first register, counted from 0.
            count: how many.

        Raises:
            ProbeDisconnected: the line cannot be opened, or nothing answers; mended by the operator.
            AnswerGarbled: something came that is no answer; mended by the operator.
            ProbeFault: the probe answers with an exception; mended by the operator.
        """
        with self._lock:
            if not self._is_open:
                raise ProbeDisconnected("the line was let go")
            answer = self._asked(unit, function, address, count)
        return _registers(answer, unit, count)

    def close(self) -> None:
        """Let go of the line."""
        with self._lock:
            self._is_open = False
            self._client.close()  # type: ignore[no-untyped-call]

    def _asked(self, unit: int, function: Function, address: int, count: int) -> ModbusPDU:
        client, self._heard = self._client, 0
        ask = client.read_holding_registers if function == "holding" else client.read_input_registers
        self._pause(self._quiet_s)
        try:
            return ask(address, count=count, device_id=unit)
        except ModbusIOException as error:
            raise self._unanswered(unit) from error
        except (ModbusException, OSError) as error:  # pyserial's own errors are OSErrors
            client.close()  # type: ignore[no-untyped-call]
            raise ProbeDisconnected(f"{self._settings.port}: {_plainly(error)}") from error

    def _unanswered(self, unit: int) -> AnswerGarbled | ProbeDisconnected:
        if self._heard:
            reason = (
                "its checksum does not fit, or another probe answers: look at speed, parity, cable, addresses"
            )
            return AnswerGarbled(f"probe {unit} sends {self._heard} bytes that are no answer: {reason}")
        wait_s = self._settings.reply_within_s
        return ProbeDisconnected(f"probe {unit} on {self._settings.port} does not answer within {wait_s:g} s")

    def _listen(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - as pymodbus calls it
        if not sending:
            self._heard = len(data)
        return data


class ModbusProbe:
    """A `RegisterInput`: one probe on a line.

    Args:
        line: that it hangs on.
        unit: its address there.
    """

    def __init__(self, line: ModbusLine, unit: int) -> None:
        self._line, self._unit = line, unit

    def read(self, *, function: Function, address: int, count: int) -> tuple[int, ...]:
        """Registers as they are now; as `ModbusLine.read`.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: what answers cannot be understood; mended by the operator.
            ProbeFault: it answers with an exception; mended by the operator.
        """
        return self._line.read(self._unit, function=function, address=address, count=count)


def check_port(port: str) -> None:
    """Refuse a port that no cable will mend; one that is not there may yet be plugged in.

    Raises:
        OSError: it may not be used, or is no serial port; mended by the operator.
    """
    try:
        handle = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    try:
        if not os.isatty(handle):
            raise OSError(f"{port} is no serial port")
    finally:
        os.close(handle)


def _registers(answer: ModbusPDU, unit: int, count: int) -> tuple[int, ...]:
    if isinstance(answer, ExceptionResponse):
        code = answer.exception_code
        raise ProbeFault(f"probe {unit} refuses: {_EXCEPTIONS.get(code, f'exception {code}')}")
    if len(answer.registers) != count:
        raise AnswerGarbled(f"probe {unit} sends {len(answer.registers)} registers, {count} were asked for")
    return tuple(answer.registers)


def _plainly(error: Exception) -> str:
    return "cannot be opened, or has gone" if isinstance(error, ConnectionException) else str(error)
