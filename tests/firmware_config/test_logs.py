"""The log: a line that cannot be written is lost, and nothing else."""

import io
import sys

import pytest
import structlog

from firmware_config.logs import set_up_logs


@pytest.fixture(autouse=True)
def _as_before():
    yield
    structlog.reset_defaults()


def test_a_log_that_cannot_be_written_stops_nobody(monkeypatch):
    broken = io.StringIO()
    broken.close()
    set_up_logs(level="info", as_json=False)
    monkeypatch.setattr(sys, "stderr", broken)

    structlog.get_logger().info("receipt_applied", device="kk-0001")


@pytest.mark.parametrize(
    ("as_json", "said"), [(True, '"event": "წყარო"'), (False, "event=წყარო")], ids=["JSON", "key=value"]
)
def test_a_line_goes_to_standard_error_in_the_form_asked_for(capsys, as_json, said):
    set_up_logs(level="info", as_json=as_json)

    structlog.get_logger().info("წყარო")
    structlog.get_logger().debug("unheard")

    told = capsys.readouterr().err
    assert said in told
    assert "unheard" not in told
