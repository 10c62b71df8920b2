"""In which language the tap speaks, and its words.

By `--language`, else `language` in edge.toml, else LC_ALL, LC_MESSAGES or LANG; English where none of them is ours.
"""

from collections.abc import Mapping
from pathlib import Path

from firmware_config.catalogues import Speech, catalogue, shared_words
from waterquality.languages import Language, language_named

_LOCALES = Path(__file__).parents[1] / "locales"


def speech_of(language: Language) -> Speech:
    """The words of a language.

    Raises:
        ConfigError: its catalogue is damaged; mended by whoever edited it.
    """
    return Speech(language, {**shared_words(language), **catalogue(_LOCALES, language)})


def chosen(
    asked: Language | None, configured: Language | str | None, environment: Mapping[str, str]
) -> Language:
    """The language to speak.

    Args:
        asked: by `--language`; None where nobody did.
        configured: in edge.toml; `system` or None leaves it to the environment.
        environment: the variables of the process.
    """
    if asked is not None:
        return asked
    if isinstance(configured, Language):
        return configured
    told = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    return language_named(told.split("_")[0].split(".")[0].lower()) or Language.EN
