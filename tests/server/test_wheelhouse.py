"""The wheels of a card: fitting, complete, or refused with what to do."""

import zipfile
from pathlib import Path

import pytest

from server.wheelhouse import Machine, gather
from tests.fakes.empty_wheel import lay
from tests.fakes.office import wheels
from waterquality.errors import ConfigError

NEEDS = (
    "Provides-Extra: edge\n"
    "Requires-Dist: everywhere; extra == 'edge'\n"
    "Requires-Dist: pins>=0.2; (platform_machine == 'aarch64' or platform_machine == 'armv7l')"
    " and extra == 'edge'\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay(tmp_path, "tskaro", "0.1.0", needs=NEEDS)
    lay(tmp_path, "pip", "26.0")
    lay(tmp_path, "everywhere")
    lay(tmp_path, "pins", tag="cp311-cp311-manylinux_2_34_aarch64")
    lay(tmp_path, "pins", tag="cp313-cp313-manylinux_2_34_aarch64")
    lay(tmp_path, "unasked")
    return tmp_path


def names(folder: Path, machine: Machine) -> list[str]:
    return sorted(wheel.name for wheel in gather(folder, machine, download=False).files)


def test_a_machine_gets_what_fits_it_and_nothing_else(folder: Path) -> None:
    assert names(folder, Machine.AARCH64) == [
        "everywhere-1.0-py3-none-any.whl",
        "pins-1.0-cp311-cp311-manylinux_2_34_aarch64.whl",
        "pip-26.0-py3-none-any.whl",
        "tskaro-0.1.0-py3-none-any.whl",
    ]
    assert "pins" not in "".join(names(folder, Machine.X86_64))


def test_a_wheel_that_is_missing_for_this_machine_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"are not all in .* for armv7l; --download fetches them(.|\n)*pins"
    ):
        gather(folder, Machine.ARMV7L, download=False)


def test_a_library_for_a_newer_system_does_not_fit(folder: Path) -> None:
    (folder / "pins-1.0-cp311-cp311-manylinux_2_34_aarch64.whl").unlink()
    lay(folder, "pins", tag="cp311-cp311-manylinux_2_38_aarch64")

    with pytest.raises(ConfigError, match="pins"):
        gather(folder, Machine.AARCH64, download=False)


def test_our_own_wheel_has_to_be_there_once(folder: Path) -> None:
    lay(folder, "tskaro", "0.2.0")
    with pytest.raises(ConfigError, match="several wheels of tskaro; leave one"):
        gather(folder, Machine.AARCH64, download=False)

    for wheel in folder.glob("tskaro-*"):
        wheel.unlink()
    with pytest.raises(ConfigError, match="no wheel of tskaro"):
        gather(folder, Machine.AARCH64, download=False)


def test_our_wheel_brings_what_a_card_is_made_of() -> None:
    (wheel,) = wheels().glob("tskaro-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if name.startswith("firmware_config/card/files/")}

    assert held == {f"firmware_config/card/files/{name}" for name in ("firstrun.sh", "tskaro-edge.service")}
