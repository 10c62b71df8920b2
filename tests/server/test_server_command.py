"""`tskaro` with things amiss: a plain reason and an exit code, never a traceback."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from server.cli import app; app()"]
MENDED_BY_A_PERSON, TRIED_AGAIN = 78, 75


def settings(folder: Path, more: str = "", *, database_url: str = "") -> Path:
    path = folder / "server.toml"
    url = database_url or f"sqlite:///{folder}/tskaro.db"
    path.write_text(
        f'database_url = "{url}"\n[store]\npath = "{folder}/readings.db"\n{more}', encoding="utf-8"
    )
    return path


def tskaro(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:////proc/nowhere/t.db", "database_url: /proc/nowhere: cannot be made"),
        ("oracel://somebody:hidden@host/x", "database_url: cannot be used"),
        ("no url", "database_url: cannot be used"),
        ("sqlite:///{folder}/text.db", "database_url: the file it names is no SQLite database"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_plainly(tmp_path: Path, url: str, reason: str) -> None:
    (tmp_path / "text.db").write_text("this is no database\n" * 100)

    ran = tskaro("completeness", "--settings", settings(tmp_path, database_url=url.format(folder=tmp_path)))

    assert ran.returncode == MENDED_BY_A_PERSON
    assert reason in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "hidden" not in ran.stderr


def test_a_missing_certificate_authority_is_named(tmp_path: Path) -> None:
    ran = tskaro("serve", "--settings", settings(tmp_path, f'[mqtt]\nca = "{tmp_path}/ca.pem"\n'))

    assert ran.returncode == MENDED_BY_A_PERSON
    assert f"{tmp_path}/ca.pem: cannot be read" in ran.stderr


def test_pages_without_a_port_end_the_server_and_an_absent_broker_is_said_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        port, broker = taken.getsockname()[1], silent.getsockname()[1]
        ran = tskaro(
            "serve", "--settings", settings(tmp_path, f"[mqtt]\nport = {broker}\n[web]\nport = {port}\n")
        )

    assert ran.returncode == TRIED_AGAIN
    assert f"the pages cannot be served at 127.0.0.1:{port}" in ran.stderr
    assert f"nobody answers at localhost:{broker}" in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("completeness", "no device has sent anything yet"),
        ("quarantine", "everything that arrived was taken"),
    ],
)
def test_an_empty_list_says_so(tmp_path: Path, command: str, says: str) -> None:
    ran = tskaro(command, "--settings", settings(tmp_path))

    assert ran.returncode == 0
    assert says in ran.stdout


def test_a_telephone_number_of_another_form_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_text('[[person]]\nid = "a"\nname = "A"\nphone = "555 12"\nlanguage = "ka"\nrole = "cso"\n')

    ran = tskaro("registry", "load", file, "--settings", settings(tmp_path))

    assert ran.returncode == MENDED_BY_A_PERSON
    assert re.search(r"person\[0\]\.phone: no telephone has such a number; a Georgian mobile", ran.stderr)
