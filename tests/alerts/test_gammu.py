"""Our own SIM: what smsd and the modem do with a text, and what only its own report proves."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.ports import Fate
from alerts.transports.gammu import GammuSmsd
from alerts.transports.gammu_spool import Spool, SpoolUnavailable
from alerts.transports.port import RecipientRejected, Text

NOON = datetime(2026, 11, 28, 8, tzinfo=UTC)
NUMBER = "+995555000123"


@pytest.fixture
def spool(tmp_path):
    for name in ("inbox", "outbox", "sent", "error"):
        (tmp_path / name).mkdir()
    return tmp_path


def transport(spool, log=None):
    return GammuSmsd(Spool(spool, log), lambda: NOON)


def move(spool, target):
    """As smsd does it."""
    (path,) = (spool / "outbox").iterdir()
    path.rename(spool / target / path.name)


def a_report(spool, *, number=NUMBER, tpmr=7, words="Delivered", kind="Status_Report", name="IN1"):
    hexed = words.encode("utf-16-be").hex()
    (spool / "inbox" / f"{name}.txt").write_text(
        f'[SMSBackup000]\nPDU = {kind}\nNumber = "{number}"\nText00 = {hexed}\nMessageReference = {tpmr}\n'
    )


def a_log(spool, *sent):
    path = spool / "log"
    lines = (
        f"Transmitted OUTC20261128_080000_00_{n}_{r}.txtd (x: 1) to {n}, message reference 0x{t:02x}"
        for r, n, t in sent
    )
    path.write_text("\n".join(lines))
    return path


def sent(spool, **kwargs):
    gateway = transport(spool, a_log(spool, ("1-19aa", NUMBER, 7)))
    gateway.send(Text(NUMBER, "x", "1-19aa"))
    move(spool, "sent")
    return gateway


def test_what_waits_for_the_modem_is_accepted(spool):
    gateway = transport(spool)
    gateway.send(Text(NUMBER, "x", "1-19aa"))

    assert (Fate.ACCEPTED, "waits for the modem") == (
        gateway.fate_of("1-19aa").fate,
        gateway.fate_of("1-19aa").detail,
    )


def test_what_the_network_took_is_accepted_and_not_delivered(spool):
    assert Fate.ACCEPTED is sent(spool).fate_of("1-19aa").fate


@pytest.mark.parametrize(
    ("words", "fate"), [("Delivered", Fate.DELIVERED), ("Failed", Fate.FAILED), ("Pending", Fate.ACCEPTED)]
)
def test_its_own_report_is_believed(spool, words, fate):
    gateway = sent(spool)
    a_report(spool, words=words)

    assert fate is gateway.fate_of("1-19aa").fate


@pytest.mark.parametrize(
    "report",
    [{"number": "+995555000124"}, {"tpmr": 8}, {"kind": "Deliver"}],
    ids=["of another number", "of another text", "a text that only says so"],
)
def test_a_report_that_is_not_its_own_proves_nothing(spool, report):
    gateway = sent(spool)
    a_report(spool, **report)

    assert Fate.ACCEPTED is gateway.fate_of("1-19aa").fate


def test_a_report_is_of_the_newest_text_with_its_number(spool):
    gateway = transport(spool, a_log(spool, ("1-19aa", NUMBER, 7), ("2-19ab", NUMBER, 7)))
    for reference in ("1-19aa", "2-19ab"):
        gateway.send(Text(NUMBER, "x", reference))
        move(spool, "sent")
    a_report(spool)

    assert [Fate.ACCEPTED, Fate.DELIVERED] == [gateway.fate_of(each).fate for each in ("1-19aa", "2-19ab")]


def test_without_a_log_no_report_is_believed(spool):
    gateway = transport(spool)
    gateway.send(Text(NUMBER, "x", "1-19aa"))
    move(spool, "sent")
    a_report(spool)

    assert Fate.ACCEPTED is gateway.fate_of("1-19aa").fate


def test_what_the_modem_could_not_send_is_given_back_and_sent_again(spool):
    gateway = transport(spool)
    gateway.send(Text(NUMBER, "x", "1-19aa"))
    move(spool, "error")
    assert Fate.QUEUED is gateway.fate_of("1-19aa").fate

    gateway.send(Text(NUMBER, "x", "1-19aa"))

    assert [1, 0] == [len(list((spool / name).iterdir())) for name in ("outbox", "error")]


def test_a_text_of_which_smsd_knows_nothing_is_unknown(spool):
    assert Fate.UNKNOWN is transport(spool).fate_of("1-19aa").fate


@pytest.mark.parametrize("address", ["", "Magti", "+995555_000123", "../x", "+995555000123/x"])
def test_what_is_no_number_never_becomes_a_file(spool, address):
    with pytest.raises(RecipientRejected):
        transport(spool).send(Text(address, "x", "1-19aa"))

    assert [] == list((spool / "outbox").iterdir())


def test_an_empty_text_is_refused_since_smsd_would_send_it(spool):
    with pytest.raises(RecipientRejected):
        transport(spool).send(Text(NUMBER, "", "1-19aa"))


def test_an_urgent_text_goes_before_others(spool):
    gateway = transport(spool)
    gateway.send(Text(NUMBER, "x", "1-19aa"))
    gateway.send(Text(NUMBER, "x", "2-19aa", is_urgent=True))

    assert ["2-19aa", "1-19aa"] == [
        path.stem.rsplit("_", 1)[1]
        for path in sorted((spool / "outbox").iterdir(), key=lambda path: path.name)
    ]


def test_folders_that_are_not_there_are_mended_by_time(tmp_path):
    with pytest.raises(SpoolUnavailable, match="sent cannot be read"):
        transport(tmp_path / "nowhere").send(Text(NUMBER, "x", "1-19aa"))


def test_what_was_sent_long_ago_is_tidied_away_and_what_is_not_ours_stays(spool):
    import os

    gateway = sent(spool)
    (other,) = [spool / "sent" / "OUTx.txt"]
    other.write_text("")
    a_report(spool)
    a_report(spool, kind="Deliver", name="IN2")
    long_ago = (NOON - timedelta(days=8)).timestamp()
    for path in [*(spool / "sent").iterdir(), *(spool / "inbox").iterdir()]:
        os.utime(path, (long_ago, long_ago))

    transport(spool).send(Text(NUMBER, "y", "2-19aa"))

    assert ["OUTx.txt"] == [path.name for path in (spool / "sent").iterdir()]
    assert ["IN2.txt"] == [path.name for path in (spool / "inbox").iterdir()]
    assert Fate.UNKNOWN is gateway.fate_of("1-19aa").fate
