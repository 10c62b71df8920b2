"""Answers through the whole of our side: an inbox, the database, the reply that is owed. On both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from alerts.answers.answering import Answering
from alerts.lifecycle import Phase, State
from alerts.ports import AlertKey, Fate, Judgement, Kind, Outcome, Owed, Standing
from alerts.recipient import Recipient
from alerts.rules import Role
from alerts.transports.inbox import InboxInMemory
from server.conversations import REPLIES_A_DAY, SqlConversations
from server.database.answer_models import AnswerRow
from server.database.engine import Database, DatabaseUnavailable
from server.database.migrate import migrate
from server.database.models import AcknowledgementRow, Municipality, WaterPoint
from server.ledger import SqlLedger
from tests.builders import instant
from tests.fakes.agreed import have_agreed
from waterquality.languages import Language

T = instant("2026-11-20T06:00:00Z")
MINUTE = timedelta(minutes=1)
NINO = Recipient("nino", "+995555000123", Language.EN, Role.CSO)
LEVAN = replace(NINO, person="levan", address="+995555000124")
KEY = AlertKey("turbidity-who-4", "algeti")


class House:
    """A database with an alert of which people were told, an inbox, and who answers."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        migrate(self.database)
        have_agreed(self.database, [NINO, LEVAN])
        self._place("algeti", {"en": "Algeti", "ka": "ალგეთი"})
        self.ledger, self.inbox = SqlLedger(self.database), InboxInMemory()
        self.restart()

    def _place(self, point: str, sms_names: dict[str, str]) -> None:
        with self.database.writing() as connection:
            connection.execute(insert(Municipality).values(id="marneuli", names={"en": "Marneuli"}))
            values = {"id": point, "municipality_id": "marneuli", "names": {}, "sms_names": sms_names}
            connection.execute(insert(WaterPoint).values(lat=41.4, lon=44.8, **values))

    def restart(self) -> None:
        self.answering = Answering(self.inbox, SqlConversations(self.database))

    def alert(self, key: AlertKey = KEY, *, at=T, people=(NINO, LEVAN)) -> None:
        """An episode that fires and is told to people at an instant."""
        state = State(Phase.FIRING, since=at, judged_at=at, breached_at=at, level=1)
        owed = [Owed(key, 1, Kind.TURBIDITY_HIGH, person, "muddy", at, at) for person in people]
        self.ledger.commit(Judgement(standings=[Standing(key, state, 1, told=True)], owed=owed))
        for each in self.ledger.due(at, 100):
            self.ledger.settle([Outcome(each.id, Fate.DELIVERED, 1, at, None)])

    def ends(self, key: AlertKey = KEY) -> None:
        state = State(Phase.RESOLVED, since=T, judged_at=T)
        self.ledger.commit(Judgement(standings=[Standing(key, state, 1, told=True)]))

    def says(self, body: str, sender: str = NINO.address, *, at=T + 5 * MINUTE) -> list[str]:
        """Somebody texts; the replies that are owed."""
        self.inbox.receive(sender, body, at)
        self.answering.run_once(at)
        return self.replies(at)

    def replies(self, at) -> list[str]:
        return [each.text for each in self.ledger.due(at, 100)]

    def acknowledged(self) -> list[tuple[str, int, str]]:
        row = AcknowledgementRow
        with self.database.reading() as connection:
            found = connection.execute(select(row.water_point_id, row.episode, row.by).order_by(row.at_ms))
            return [tuple(each) for each in found]

    def answers(self) -> list[tuple[str, str, str]]:
        with self.database.reading() as connection:
            found = connection.execute(select(AnswerRow.person_id, AnswerRow.body, AnswerRow.answer))
            return [tuple(each) for each in found]


@pytest.fixture(params=["sqlite", "postgres"])
def house(request, tmp_path):
    is_file = request.param == "sqlite"
    house = House(
        f"sqlite:///{tmp_path / 'tskaro.db'}" if is_file else request.getfixturevalue("postgres_url")
    )
    yield house
    house.database.close()


def test_one_acknowledges_and_is_thanked(house):
    house.alert()

    assert house.says("1") == ["Algeti: noted, thank you. We will text you when it is over."]
    assert house.acknowledged() == [("algeti", 1, "nino")]
    assert house.inbox.incoming() == []


def test_the_number_may_be_written_as_the_network_likes(house):
    house.alert()

    house.says("1", sender="555000123")

    assert house.acknowledged() == [("algeti", 1, "nino")]


def test_the_first_counts_and_the_second_is_told_so(house):
    house.alert()
    house.says("1")

    replies = house.says("1", sender=LEVAN.address)

    assert house.acknowledged() == [("algeti", 1, "nino")]
    assert "Algeti: somebody is looking after it already. Thank you." in replies


def test_an_alert_that_is_over_is_not_acknowledged(house):
    house.alert()
    house.ends()

    assert house.says("1") == ["There is no open alert that we told you of. Nothing was noted."]
    assert house.acknowledged() == []


def test_an_alert_of_which_somebody_else_was_told_is_not_theirs_to_acknowledge(house):
    house.alert(people=[LEVAN])

    house.says("1")

    assert house.acknowledged() == []


def test_a_text_that_waits_to_be_sent_has_told_nobody(house):
    owed = [Owed(KEY, 1, Kind.TURBIDITY_HIGH, NINO, "muddy", T, T)]
    state = State(Phase.FIRING, since=T, judged_at=T, breached_at=T, level=1)
    house.ledger.commit(Judgement(standings=[Standing(KEY, state, 1, told=True)], owed=owed))

    house.says("1")

    assert house.acknowledged() == []


def test_who_stops_gets_one_last_text_and_nothing_more(house):
    house.alert()

    assert house.says("stop") == [
        "You get no more texts from Tskaro. To get them again, ask your coordinator."
    ]
    house.alert(AlertKey("ph", "bolnisi"), at=T + 10 * MINUTE, people=[NINO])
    assert [each.key.water_point for each in SqlConversations(house.database).told("nino", T)] == ["algeti"]
    assert house.says("1", at=T + 11 * MINUTE) == []
    assert house.acknowledged() == []


def test_a_stranger_gets_nothing_and_nothing_of_it_is_kept(house):
    house.alert()

    for sender in ("+995599999999", "MAGTI", "8080", ""):
        assert house.says("1", sender=sender) == []

    assert (house.acknowledged(), house.answers()) == ([], [])
    assert house.answering.answers["stranger"] == 4
    assert house.inbox.incoming() == []


def test_what_is_not_understood_is_told_how_to_answer(house):
    house.alert()

    (said,) = house.says("the water is brown")

    assert "1 = seen" in said
    assert house.answers() == [("nino", "the water is brown", "unclear")]


def test_a_crash_before_the_inbox_forgets_changes_nothing_the_second_time(house, monkeypatch):
    house.alert()
    monkeypatch.setattr(house.inbox, "done", _away)
    with pytest.raises(DatabaseUnavailable):
        house.says("1")
    monkeypatch.undo()
    house.restart()

    house.answering.run_once(T + 6 * MINUTE)

    assert len(house.replies(T + 6 * MINUTE)) == 1
    assert len(house.answers()) == len(house.acknowledged()) == 1
    assert house.inbox.incoming() == []


def test_without_its_database_a_text_stays_in_the_inbox(house, monkeypatch):
    house.alert()
    monkeypatch.setattr(SqlConversations, "commit", _away)
    with pytest.raises(DatabaseUnavailable):
        house.says("1")
    monkeypatch.undo()

    house.answering.run_once(T + 6 * MINUTE)

    assert house.acknowledged() == [("algeti", 1, "nino")]


def test_what_answers_by_itself_does_not_talk_with_us_for_ever(house):
    for number in range(REPLIES_A_DAY + 5):
        house.says("I am driving", at=T + number * MINUTE)

    assert len(house.replies(T + timedelta(hours=1))) == REPLIES_A_DAY
    assert len(house.answers()) == REPLIES_A_DAY + 5


def test_a_telephone_of_two_people_speaks_for_both_and_gets_one_reply(house):
    have_agreed(house.database, [replace(LEVAN, address=NINO.address)])
    house.alert()

    assert len(house.says("0")) == 1
    assert {person for person, _, _ in house.answers()} == {"nino", "levan"}


def _away(*_: object) -> None:
    raise DatabaseUnavailable("away")
