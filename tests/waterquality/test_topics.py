"""Topics: what intake reads in them before it reads them whole."""

import pytest

from waterquality.topics import numbers_in


@pytest.mark.parametrize(
    ("topic", "numbers"),
    [
        ("tskaro/1/3/kk-0007/readings/9f1c2a7e/48211", 1),
        ("tskaro/1/3/kk-0007/readings/9f1c2a7e/48211-48225", 15),
        ("tskaro/1/3/kk-0007/readings/9f1c2a7e/9-1", 1),
        ("tskaro/1/3/kk-0007/readings/9f1c2a7e/1-" + "9" * 5_000, 1),
        ("tskaro/1/3/kk-0007/readings/9f1c2a7e/" + "9" * 5_000 + "-1", 1),
        ("tskaro/1/3/kk-0007/readings/9f1c2a7e/1-x", 1),
        ("-", 1),
        ("", 1),
    ],
)
def test_a_topic_tells_how_many_numbers_it_names_whatever_it_is(topic: str, numbers: int) -> None:
    assert numbers_in(topic) == numbers
