"""A run through a meter begins with its first pulse and ends when it has stood still."""

from edge.calibrating.counting import Count, counted


def test_nothing_has_begun_before_the_first_pulse() -> None:
    assert counted([(0.0, 500), (30.0, 500)], quiet_s=10.0) == Count(0, 0.0, is_over=False)


def test_it_goes_on_while_pulses_come_and_is_over_after_the_quiet() -> None:
    running = [(float(at), 500 + 75 * at) for at in range(60)]

    assert counted(running, quiet_s=10.0) == Count(59 * 75, 0.0, is_over=False)
    standing = [(60.0 + at, 500 + 59 * 75) for at in range(9)]
    assert counted(running + standing, quiet_s=10.0) == Count(59 * 75, 9.0, is_over=False)
    standing.append((69.0, 500 + 59 * 75))
    assert counted(running + standing, quiet_s=10.0) == Count(59 * 75, 10.0, is_over=True)


def test_a_slow_meter_is_waited_for_longer() -> None:
    slow = [(6.0 * at, at) for at in range(11)]  # a pulse every six seconds

    assert not counted([*slow, (60.0 + 26.0, 10)], quiet_s=10.0).is_over
    assert counted([*slow, (60.0 + 28.0, 10)], quiet_s=10.0).is_over
