"""A folder as the kernel makes it for the 1-wire bus."""

from pathlib import Path

SENSOR = "28-0316a2794bff"
POWERED_ON = "50 05 4b 46 7f ff 0c 10 1c"


class FakeOneWire:
    """Sensors as `w1_slave` files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "w1_bus_master1").mkdir()

    def put_celsius(self, celsius: float, sensor: str = SENSOR) -> None:
        """What a genuine chip of 12 bits holds after a conversion."""
        code = round(celsius * 16)
        low, high = (code & 0xFFFF).to_bytes(2, "little")
        scratch = bytes([low, high, 0x4B, 0x46, 0x7F, 0xFF, 0x10 - (low & 0x0F), 0x10])
        self.put(" ".join(f"{byte:02x}" for byte in (*scratch, crc(scratch))), celsius, sensor)

    def put(self, scratchpad: str, celsius: float, sensor: str = SENSOR, *, fits: bool = True) -> None:
        """The two lines of the file."""
        checksum = scratchpad.rsplit(maxsplit=1)[-1]
        said = f"{scratchpad} : crc={checksum} {'YES' if fits else 'NO'}\n{scratchpad} t={round(celsius * 1000)}\n"
        (self.folder / sensor).mkdir(exist_ok=True)
        (self.folder / sensor / "w1_slave").write_text(said)

    def unplug(self, sensor: str = SENSOR) -> None:
        (self.folder / sensor / "w1_slave").unlink()
        (self.folder / sensor).rmdir()


def crc(data: bytes) -> int:
    """The checksum of Maxim's 1-wire chips: x^8 + x^5 + x^4 + 1, reflected."""
    checksum = 0
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x8C if checksum & 1 else 0)
    return checksum
