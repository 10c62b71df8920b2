from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory

from tests.edge.hardware.fake_mcp3008 import FakeMcp3008, mock_pins


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    with mock_pins() as factory:
        yield factory


@pytest.fixture
def chip(pins: MockFactory) -> Iterator[FakeMcp3008]:
    with FakeMcp3008() as fake:
        yield fake
