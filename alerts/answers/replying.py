"""The words of a reply: one SMS segment in the reader's own language. Pure, but for the files read once.

Where a form does not fit, the next, shorter one is taken, and at the very last the name of the water point is cut.
"""

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, model_validator

from alerts.answers.deciding import Said
from alerts.latin import to_latin
from alerts.phrasebook import facts_in
from alerts.segments import segments
from waterquality.languages import Language

_NAMES_A_SITE = {
    Said.ACKNOWLEDGED: {"site"},
    Said.ACKNOWLEDGED_MANY: {"site", "others"},
    Said.ALREADY: {"site"},
    Said.OPEN: {"site"},
    Said.OPEN_MANY: {"site", "others"},
}


class Replies(BaseModel):
    """The replies of one language.

    Attributes:
        reviewed_by: the native speaker who has signed them off; "" while nobody has.
        replies: the forms of each, the fullest first; `{site}` is a water point and `{others}` how many more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    reviewed_by: str
    replies: dict[Said, tuple[str, ...]]

    @model_validator(mode="after")
    def _says_what_each_needs(self) -> "Replies":
        for said in Said:
            forms = self.replies.get(said, ())
            wrong = [form for form in forms if facts_in(form) != _NAMES_A_SITE.get(said, set())]
            if not forms or wrong:
                message = f"{said}: nothing is said" if not forms else f"{said}: other facts in {wrong[0]!r}"
                raise ValueError(message)
        return self


@cache
def replies_in(language: Language) -> Replies:
    """The replies of a language, as they are shipped."""
    file = files("alerts").joinpath("answers", "replies", f"{language}.toml")
    return Replies.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))


def reply(said: Said, language: Language, *, sites: Sequence[str] = (), is_latin: bool = False) -> str:
    """Write a reply.

    Args:
        said: what it says.
        language: what the person reads.
        sites: short names of the water points that it is about; the first is named, the others are counted.
        is_latin: whether it is to be written in Latin letters.

    Returns:
        The reply, always one SMS segment.
    """
    ever_shorter = _ever_shorter(replies_in(language).replies[said], sites)
    written = map(to_latin, ever_shorter) if is_latin else ever_shorter
    return next(text for text in written if segments(text).count == 1)


def _ever_shorter(forms: Sequence[str], sites: Sequence[str]) -> Iterator[str]:
    site, others = (sites[0] if sites else ""), max(0, len(sites) - 1)
    yield from (form.format(site=site, others=others) for form in forms)
    for length in range(len(site), -1, -1):
        yield forms[-1].format(site=site[:length].rstrip(" -,("), others=others)
