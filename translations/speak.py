"""The language in use and `_`, which turns an English text into it."""

import gettext
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent
DOMAIN = "schoolfilter"

LANGUAGES = ("kk", "ky", "ru", "en")
"""English needs no catalogue: the texts in the code are English."""


class _Speech:
    """What `_` reads on each call, so that `from translations import _` follows a later `use`."""

    language = "en"
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def use(language: str) -> None:
    """Speak this language from now on; one we have no catalogue for means English."""
    known = language if language in LANGUAGES else "en"
    _Speech.catalogue = gettext.translation(DOMAIN, FOLDER, [known], fallback=True)
    _Speech.language = known
    # click takes its own words ("Usage", "No such option") from gettext's global domain, chosen by LANGUAGE:
    # with both set, its texts come from our catalogue too and a teacher never meets half a message in English.
    gettext.bindtextdomain(DOMAIN, FOLDER)
    gettext.textdomain(DOMAIN)
    os.environ["LANGUAGE"] = known


def language() -> str:
    """Return the language in use."""
    return _Speech.language


@contextmanager
def spoken(tongue: str) -> Iterator[None]:
    """Speak the language of a paper or a notice while its words are looked up: messages may be in another one."""
    before = language()
    use(tongue)
    try:
        yield
    finally:
        use(before)


def choose(configured: str, environ: Mapping[str, str]) -> str:
    """Return the language to speak: the environment's own word, then the settings file's, then the machine's."""
    if own := environ.get("SCHOOLFILTER_SCHOOL__LANGUAGE", ""):
        return own
    if configured:
        return configured
    machine = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return machine[:2] if machine[:2] in LANGUAGES else "en"


def _(english: str) -> str:
    """Return the text in the language in use; placeholders in braces are filled by the caller."""
    return _Speech.catalogue.gettext(english)


def mark(english: str) -> str:
    """Return the text as it is, for the catalogue to find; `_` translates it where and when it is shown."""
    return english
