"""What a person reads in a page."""

import re

PATHS = ("/", "/water-points/sadakhlo", "/alerts", "/phone", "/quarantine")


def text_of(html: str) -> str:
    """What a person reads, in reading order."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def card(html: str, water_point: str) -> str:
    """The piece of the list that tells of one water point."""
    return html.partition(f'id="point-{water_point}"')[2].partition('id="point-')[0]
