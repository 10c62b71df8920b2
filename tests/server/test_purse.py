"""What was spent is remembered by day, for every notifier together."""

from datetime import date

from alerts.transports.spending import PurseInMemory
from server.purse import DatabasePurse

DAY, NEXT = date(2026, 11, 28), date(2026, 11, 29)


def spend_some(purse):
    return [
        purse.spent_tetri(DAY),
        purse.spend(DAY, "gosms", segments=1, tetri=5),
        purse.spend(DAY, "sender", segments=2, tetri=14),
        purse.spend(DAY, "gosms", segments=1, tetri=5),
        purse.spend(NEXT, "gosms", segments=1, tetri=5),
        purse.spent_tetri(DAY),
    ]


def test_a_purse_adds_up_by_day(sqlite_database):
    assert [0, 5, 19, 24, 5, 24] == spend_some(DatabasePurse(sqlite_database)) == spend_some(PurseInMemory())


def test_two_notifiers_share_a_purse(sqlite_database):
    DatabasePurse(sqlite_database).spend(DAY, "gosms", segments=1, tetri=5)

    assert 10 == DatabasePurse(sqlite_database).spend(DAY, "gosms", segments=1, tetri=5)
