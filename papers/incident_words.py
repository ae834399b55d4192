"""What of an incident is said in words everywhere: its rule, its state, who was told."""

from translations import _


def rule_title(rule: str) -> str:
    """Return a rule of journal.incidents.Rule in two or three words; another text as it is."""
    return _rules().get(rule, rule)


def rule_words(rule: str) -> str:
    """Return the same as a sentence begins."""
    words = rule_title(rule)
    return words[:1].upper() + words[1:]


def state_words(state: str) -> str:
    """Return a state of journal.incidents.State in words; another text as it is."""
    return _states().get(state, state)


def role_words(role: str) -> str:
    """Return who is told, or whose business an incident is, in words; another text as it is."""
    return _roles().get(role, role)


def severity_words(severity: str) -> str:
    """Return a severity of policy.categories in words; another text as it is."""
    return _severities().get(severity, severity)


# Functions and not tables: each text is looked up in the language of the paper that is being drawn up.


def _rules() -> dict[str, str]:
    return {
        "deliberate-attempt": _("deliberate attempt"),
        "unlawful-contact": _("contact with what the law forbids"),
        "harmful-contact": _("contact with harmful content, no attempt"),
        "at-risk": _("a pupil may need help"),
        "malware-beacon": _("malicious program"),
        "report": _("reported site"),
    }


def _states() -> dict[str, str]:
    return {"new": _("new"), "told": _("told"), "reviewed": _("reviewed"), "closed": _("closed")}


def _roles() -> dict[str, str]:
    return {
        "class-teacher": _("class teacher"),
        "psychologist": _("psychologist"),
        "responsible": _("responsible person"),
        "director": _("director"),
    }


def _severities() -> dict[str, str]:
    return {
        "unlawful": _("unlawful"),
        "harmful": _("harmful"),
        "unrelated": _("unrelated to education"),
        "nuisance": _("nuisance"),
    }
