"""When to try again and when to stop: the pure half of the notifier."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notifier import RetryPolicy, next_question, next_try, wait_s
from alerts.ports import Fate, Pending

T = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RetryPolicy()


@pytest.mark.parametrize(
    ("attempts", "retry_after_s", "jitter", "expected"),
    [
        pytest.param(1, None, 0.0, 2.5, id="the first wait is half of five seconds at least"),
        pytest.param(1, None, 0.99, 4.975, id="and five at most"),
        pytest.param(2, None, 0.0, 5, id="each next one is twice as long"),
        pytest.param(4, None, 0.0, 20, id="and again"),
        pytest.param(50, None, 0.0, 150, id="up to the longest wait"),
        pytest.param(5000, None, 0.5, 225, id="however often it was tried"),
        pytest.param(1, 60, 0.0, 60, id="a gateway is given what it asks for"),
        pytest.param(1, 60, 0.5, 63, id="or a little more"),
        pytest.param(50, 1, 0.0, 150, id="but no less than we would wait anyway"),
        pytest.param(1, 86_400, 0.0, 300, id="and no more than the longest wait"),
        pytest.param(1, 0, 0.0, 2.5, id="asking for no time asks for nothing"),
    ],
)
def test_the_wait_before_the_next_try(attempts, retry_after_s, jitter, expected):
    assert wait_s(attempts, POLICY, retry_after_s=retry_after_s, jitter=jitter) == pytest.approx(expected)


@given(
    attempts=st.integers(0, 10_000),
    age_s=st.floats(0, 200_000),
    retry_after_s=st.none() | st.floats(0, 1e9),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_every_retry_has_an_end_and_lies_ahead(attempts, age_s, retry_after_s, jitter):
    pending = Pending(1, "+995555000123", "a", Fate.QUEUED, attempts, T)
    now = T + timedelta(seconds=age_s)

    due_at = next_try(pending, now, POLICY, retry_after_s=retry_after_s, jitter=jitter)

    if now >= T + DAY:
        assert due_at is None
    else:
        assert now < due_at <= T + DAY


@given(asked=st.integers(0, 10_000), age_s=st.floats(0, 200_000))
def test_every_question_has_an_end_and_lies_ahead(asked, age_s):
    now = T + timedelta(seconds=age_s)

    due_at = next_question(asked, T, now, POLICY)

    if now >= T + DAY:
        assert due_at is None
    else:
        assert now < due_at <= T + DAY
