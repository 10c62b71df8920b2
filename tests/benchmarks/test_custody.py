"""The custody benchmark, short: real agents, broker, ingest and store, all of them killed; nothing is lost."""

import json
import subprocess
import sys

import pytest

from benchmarks.valley import Network, NotHere
from tests.fakes.programs import ROOT

pytestmark = pytest.mark.integration


def test_nothing_is_lost_or_doubled_whatever_is_killed() -> None:
    command = [sys.executable, "-m", "benchmarks.custody", "--agents", "3", "--minutes", "0.4", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert found["stored"] > 60
    assert (
        min(found["kills_of"][name] for name in ("agent", "broker", "ingest", "store", "broker_forgot")) >= 1
    )
    parts = ("stored", "noted", "quarantined", "gaps", "in_outbox")
    assert found["appended"] == sum(found[name] for name in parts)
    assert set(found["cannot"]) | set(found["kills_of"]) >= {"network_cut", "disk_full"}


def test_a_network_that_is_cut_is_taken_away_with_all_that_is_in_it() -> None:
    try:
        network = Network()
    except NotHere as why:
        pytest.skip(str(why))
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert network.name in names

    network.cut()
    network.mend()
    network.close()

    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert network.name not in names
    links = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert network.name.replace("tskaro-", "tsk") not in links
