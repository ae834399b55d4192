"""What of the policy is said in words on papers: levels, and what blocked a query where no category did."""

from policy.decision import Why
from policy.levels import Level
from policy.subjects import subject, title_of
from translations import _


def level_words(level: str) -> str:
    """Return a level as the regulations name it; another text as it is."""
    return _levels().get(level, level)


def blocked_words(id_: str, language: str) -> str:
    """Return by what queries were blocked: a category or service, else a reason of the query log."""
    if subject(id_) is not None:
        return title_of(id_, language)
    return _reasons().get(id_, id_ or _("without a category"))


# Functions and not tables: each text is looked up in the language of the paper that is being drawn up.


def _levels() -> dict[str, str]:
    return {
        Level.HIGH: _("high: only the white list opens"),
        Level.MEDIUM: _("medium: blocked categories are closed"),
        Level.LOW: _("low: unlawful and harmful content is closed"),
        Level.OFF: _("off: nothing opens"),
        Level.OPEN: _("open: only unlawful content is closed"),
    }


def _reasons() -> dict[str, str]:
    return {
        Why.BLOCKED: _("Blocked by hand"),
        Why.LEVEL: _("Not on the white list (level of the group or room)"),
        Why.LESSON: _("Outside lessons, or not on the white list in a lesson"),
        Why.TIMETABLE: _("Closed by the timetable"),
        Why.EXAM: _("Closed during an exam"),
        Why.PAUSE: _("Closed for a while by a person"),
        Why.EXCEPTION: _("Closed for a room, device or lesson"),
        Why.REBINDING: _("Public name with a private address"),
    }
