"""A Modbus slave on a real pair of ptys: pymodbus' own server at one end, a port to open at the other.

Bytes are carried between the two by a thread, which can lose, spoil or hold them back as a bad cable does.
"""

import asyncio
import os
import pty
import select
import threading
import tty
from collections.abc import Callable

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.fakes.patience import eventually

Carry = Callable[[bytes], bytes]
_HOLDING, _INPUT = 3, 4


class Cable:
    """Two ptys joined back to back. `to_master` may change what the slave sends."""

    def __init__(self) -> None:
        self._ends = [pty.openpty() for _ in range(2)]
        for end in self._ends:
            tty.setraw(end[1])
        self.master_port, self.slave_port = (os.ttyname(slave) for _, slave in self._ends)
        self.to_slave: Carry = bytes
        self.to_master: Carry = bytes
        self.asked = 0
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join(5)
        for handle in (*self._ends[0], *self._ends[1], self._stop_read, self._stop_write):
            os.close(handle)

    def _run(self) -> None:
        master, slave = self._ends[0][0], self._ends[1][0]
        while True:
            ready, _, _ = select.select([master, slave, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            if master in ready:
                self.asked += 1
                self._pass(master, slave, self.to_slave)
            if slave in ready:
                self._pass(slave, master, self.to_master)

    @staticmethod
    def _pass(source: int, target: int, carry: Carry) -> None:
        data = carry(os.read(source, 512))
        if data:
            os.write(target, data)


class ModbusSlaves:
    """Several probes on one cable, each with registers of its own."""

    def __init__(self, *units: int, cable: Cable) -> None:
        self.cable = cable
        # a probe is silent when another is asked; pymodbus' server of several would answer for them all
        cable.to_slave = lambda data: data if data[0] in units else b""
        self.registers: dict[int, dict[int, int]] = {unit: {} for unit in units}
        self.refuses_with: ExcCodes | None = None
        self.functions: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._server: ModbusSerialServer | None = None
        self._thread = threading.Thread(target=self._run, args=(units,), daemon=True)
        self._thread.start()
        eventually(lambda: self._server is not None and self._server.is_active())

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)
        self._thread.join(5)

    def _run(self, units: tuple[int, ...]) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(units))
        self._loop.close()

    async def _serve(self, units: tuple[int, ...]) -> None:
        self._server = ModbusSerialServer(
            [self._device(unit) for unit in units],
            framer=FramerType.RTU,
            port=self.cable.slave_port,
            baudrate=9600,
        )
        await self._server.serve_forever()

    def _device(self, unit: int) -> SimDevice:
        async def act(function, start, address, count, current, _) -> ExcCodes | None:
            self.functions.append(function)
            if self.refuses_with is not None:
                return self.refuses_with
            words = self.registers[unit]
            if any(at not in words for at in range(address, address + count)):
                return ExcCodes.ILLEGAL_ADDRESS
            for at in range(address, address + count):
                current[at - start] = words[at]
            return None

        return SimDevice(id=unit, simdata=[SimData(0, count=256, datatype=DataType.REGISTERS)], action=act)
