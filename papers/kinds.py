"""What each kind of numbered paper is called."""

from translations import _


def paper_words(kind: str) -> str:
    """Return the name of a kind as its files and records have it; that itself if it is not known."""
    words = {
        "act": _("Act of a check"),
        "monthly-report": _("Monthly report"),
        "handover": _("Handover act"),
        "journal": _("Journal"),
        "briefing": _("Briefing"),
        "parents": _("Page for parents"),
        "referral": _("Referral"),
    }
    return words.get(kind, kind)
