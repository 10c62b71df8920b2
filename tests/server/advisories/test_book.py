"""The book of advisories in a real database of each kind."""

from dataclasses import replace
from datetime import timedelta

import pytest
from capvalidator import Validator
from sqlalchemy import func, select

from alerts.advisories.life import Policy
from alerts.advisories.record import (
    AdvisoryKind,
    Cause,
    Change,
    Confirm,
    Lift,
    Order,
    Phase,
    Withdraw,
)
from server.advisories.book import AdvisoryBook, AdvisoryRefused
from server.advisories.people import set_hazard
from server.advisories.published import message, messages
from server.advisories.publishing import Publication
from server.database.advisory_models import AdvisoryActRow, CapMessageRow
from server.database.engine import Database
from tests.alerts.advisories.cases import GIORGI, NINO, NOW, evidence
from tests.server.advisories.village import OUT, Village, issue
from waterquality.errors import ConfigError
from waterquality.flags import Flag, Why
from waterquality.languages import Language

LATER = NOW + timedelta(days=3)
LIFT = Lift(by=NINO)
SEEN = evidence(readings=())


@pytest.fixture
def village(database: Database) -> Village:
    return Village(database)


def proposed(village: Village) -> int:
    added = village.book.add_evidence("sadakhlo", SEEN, NOW)
    assert added is not None
    return added.number


def published(village: Village) -> list[str]:
    with village.database.reading() as connection:
        return [entry.identifier for entry in messages(connection, LATER, language=Language.EN)]


def test_an_advisory_comes_back_as_it_was(village: Village) -> None:
    number = proposed(village)
    after = village.book.act(number, issue(), NOW).advisory

    read, _, history = village.book.one(number, NOW)

    assert read == after
    assert read.evidence == (SEEN,)
    assert [entry.act for entry in history] == ["propose", "issue"]
    assert history[1].who == NINO
    with pytest.raises(AdvisoryRefused, match="there is none"):
        village.book.one(99, NOW)


def test_what_waits_for_the_second_person_survives_a_restart(database: Database) -> None:
    village = Village(database, Policy(two_persons=True))
    number = proposed(village)
    village.book.act(number, issue(), NOW)
    assert published(village) == []

    again = AdvisoryBook(database, Policy(two_persons=True), OUT)
    with pytest.raises(AdvisoryRefused, match="other person"):
        again.act(number, Confirm(by=NINO), NOW)
    again.act(number, Confirm(by=GIORGI), NOW)

    assert again.one(number, NOW)[0].phase is Phase.IN_FORCE
    assert len(published(village)) == 1
    change = Change(
        by=GIORGI,
        order=Order(kind=AdvisoryKind.DO_NOT_USE, expires_at=NOW + timedelta(days=9)),
        reason="oil on the water",
    )
    for act in (change, Confirm(by=NINO), Lift(by=NINO, override="a new source"), Confirm(by=GIORGI)):
        again.act(number, act, LATER)
    assert again.one(number, LATER)[0].phase is Phase.LIFTED


def test_what_is_refused_changes_nothing(village: Village) -> None:
    number = proposed(village)
    with village.database.writing() as connection:
        set_hazard(connection, "sadakhlo", "copper mine at Kazreti", "CENN", NOW)
    before = village.book.one(number, NOW)

    with pytest.raises(AdvisoryRefused, match="copper mine at Kazreti, says CENN"):
        village.book.act(number, issue(), NOW)

    assert village.book.one(number, NOW) == before
    assert published(village) == []


def test_an_open_ph_alert_blocks_boil_and_a_resolved_one_does_not(village: Village) -> None:
    number = proposed(village)
    village.alert("ph-ge-58", phase="unknown")
    with pytest.raises(AdvisoryRefused, match="ph-ge-58 is unknown there"):
        village.book.act(number, issue(), NOW)

    village.turns("ph-ge-58", phase="resolved")

    assert village.book.act(number, issue(), NOW).advisory.phase is Phase.IN_FORCE


def test_an_episode_is_evidence_once(village: Village) -> None:
    number = proposed(village)

    assert village.book.add_evidence("sadakhlo", SEEN, LATER) is None
    village.book.act(number, Withdraw(by=NINO, reason="the probe was cleaned"), NOW)
    assert village.book.add_evidence("sadakhlo", SEEN, LATER) is None  # declined is declined
    assert list(village.book.all()) == [number]
    another = village.book.add_evidence("sadakhlo", replace(SEEN, episode=2), LATER)
    assert another is not None
    assert (another.is_new, another.number != number) == (True, True)


def test_what_happens_meanwhile_is_evidence_of_the_open_one_and_puts_boil_in_doubt(village: Village) -> None:
    number = proposed(village)
    village.book.act(number, issue(), NOW)

    added = village.book.add_evidence("sadakhlo", evidence(Cause.PH, rule="ph-ge-58", reason="pH 4"), LATER)

    assert added is not None
    assert (added.number, added.is_new) == (number, False)
    assert "pH out of range" in added.doubt
    assert [entry.act for entry in village.book.one(number, LATER)[2]] == ["propose", "issue", "evidence"]
    with pytest.raises(AdvisoryRefused, match="do_not_drink"):
        village.book.act(
            number, Change(by=NINO, order=issue().order, reason="renewed"), NOW + timedelta(days=1)
        )


def test_of_one_water_point_one_advisory_is_open(village: Village) -> None:
    number = village.book.propose("sadakhlo", Cause.MICROBES, "Nino", "three cases of diarrhoea", NOW)

    with pytest.raises(AdvisoryRefused, match=f"advisory {number} is proposed there"):
        village.book.propose("sadakhlo", Cause.MICROBES, "Nino", "more", NOW)
    assert village.book.propose("kazreti", Cause.MICROBES, "Nino", "more", NOW) != number
    with pytest.raises(ConfigError, match="no water point"):
        village.book.propose("nowhere", Cause.MICROBES, "Nino", "more", NOW)


def test_clear_samples_in_the_database_lift_it_and_a_firing_alert_holds_it(village: Village) -> None:
    number = proposed(village)
    village.alert(phase="firing")
    village.book.act(number, issue(), NOW)
    village.samples(24)
    village.turns("turbidity-who-4", phase="resolved")
    with pytest.raises(AdvisoryRefused, match="1 of 2 clear samples"):
        village.book.act(number, LIFT, LATER)
    village.samples(48)
    village.turns("turbidity-who-4", phase="recovering")
    with pytest.raises(AdvisoryRefused, match="still fires"):
        village.book.act(number, LIFT, LATER)
    village.turns("turbidity-who-4", phase="unknown")  # samples say more than a probe that is silent

    village.book.act(number, LIFT, LATER)

    history = village.book.one(number, LATER)[2]
    assert len(history[-1].detail["samples"]) == 2


def test_an_override_stays_on_record(village: Village) -> None:
    number = proposed(village)
    village.book.act(number, issue(), NOW)

    village.book.act(number, Lift(by=GIORGI, override="connected to the town's network"), LATER)

    last = village.book.one(number, LATER)[2][-1]
    assert (last.who, last.detail["override"]) == (GIORGI, "connected to the town's network")


def test_messages_are_valid_chained_and_never_change(village: Village) -> None:
    number = proposed(village)
    drink = Order(kind=AdvisoryKind.DO_NOT_DRINK, expires_at=NOW + timedelta(days=9))
    village.book.act(number, issue(), NOW)
    with village.database.reading() as connection:
        first = message(connection, published(village)[0])
    village.book.act(number, Change(by=GIORGI, order=drink, reason="a smell"), NOW)  # in the same second
    village.book.act(number, Lift(by=NINO, override="a new source"), LATER)

    newest, update, alert = published(village)
    with village.database.reading() as connection:
        texts = {name: message(connection, name) for name in (alert, update, newest)}
        kinds = connection.scalars(select(CapMessageRow.kind).order_by(CapMessageRow.number)).all()
        sent = connection.scalars(select(CapMessageRow.sent_ms)).all()
    assert kinds == ["Alert", "Update", "Cancel"]
    assert len(set(sent)) == 3
    assert texts[alert] == first
    for text in texts.values():
        assert text is not None
        assert Validator(text.encode()).schema()[0], text
    assert f",{alert},2026-11-20T16:00:00+04:00</references>" in str(texts[update])
    assert f"{alert}," in str(texts[newest])
    assert f"{update}," in str(texts[newest])
    assert "სადახლო, მარნეული" in str(texts[alert])
    assert "https://water.example.org/hy/water-points/sadakhlo" in str(texts[alert])


def test_a_proposal_and_a_declined_one_are_never_published(village: Village) -> None:
    number = proposed(village)
    village.book.act(number, Withdraw(by=NINO, reason="the probe was cleaned"), NOW)

    assert published(village) == []


def test_without_a_sender_an_advisory_is_issued_and_no_cap_is_written(database: Database) -> None:
    village = Village(database, out=Publication())
    number = proposed(village)
    village.book.act(number, issue(), NOW)
    assert published(village) == []

    later = AdvisoryBook(database, Policy(two_persons=False), OUT)  # a sender is set while it is in force
    later.act(number, Change(by=NINO, order=issue().order, reason="renewed"), NOW + timedelta(hours=1))

    with database.reading() as connection:
        assert connection.scalars(select(CapMessageRow.kind)).all() == ["Alert"]


def test_an_act_and_its_message_are_recorded_together_or_not_at_all(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = proposed(village)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("server.advisories.book._write_down", fail)
    with pytest.raises(RuntimeError):
        village.book.act(number, issue(), NOW)
    monkeypatch.undo()

    assert village.book.one(number, NOW)[0].phase is Phase.PROPOSED
    assert published(village) == []
    with village.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(AdvisoryActRow)) == 1


def test_readings_of_the_evidence_keep_their_flags(village: Village) -> None:
    from alerts.advisories.record import Seen

    seen = (Seen(NOW, 12.4, Flag.SUSPECT, Why.SPIKE), Seen(NOW, 9.0, Flag.GOOD))
    added = village.book.add_evidence("sadakhlo", replace(SEEN, readings=seen), NOW)

    assert added is not None
    assert village.book.one(added.number, NOW)[0].evidence[0].readings == seen
