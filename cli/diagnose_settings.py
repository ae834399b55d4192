"""Judge the settings that the server starts with. Pure: facts in, findings out."""

from collections.abc import Iterator

from cli.facts import Facts
from cli.findings import Finding, Health
from translations import _


def settings(facts: Facts) -> Iterator[Finding]:
    """Judge whether each setting can do what it is there for."""
    for each in facts.doubts:
        # Where nobody is told of anything, the school believes that somebody is; the rest holds for all but a few.
        health = Health.PROBLEM if each.key.startswith("notices.") else Health.WARNING
        yield Finding("settings", health, each.text, correct_settings())
    if not facts.doubts:
        yield Finding("settings", Health.OK, _("The settings are valid."))


def correct_settings() -> str:
    """Return what is to be done about a wrong setting."""
    return _("Correct the settings, then: schoolfilter config check")
