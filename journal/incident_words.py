"""How incidents are told on screens and in notices; titles of rules, states and roles: papers/incident_words.py."""

from journal.detection.signs import Sign
from journal.incidents import Incident, Rule
from journal.notifying.contacts import Channel
from policy.subjects import title_of
from translations import _, language


def rule_words(rule: Rule) -> str:
    """Return why this is an incident, as a sentence."""
    return {
        Rule.ATTEMPT: _("Somebody tried again and again, or in several ways, to reach what is closed."),
        Rule.UNLAWFUL: _("Somebody tried to reach what the law forbids. Once is enough to look into it."),
        Rule.HARMFUL: _("Harmful content was asked for, and no attempt came of it: perhaps an accident."),
        Rule.AT_RISK: _("Somebody looked for self-harm or gambling. A pupil may need help, not punishment."),
        Rule.BEACON: _("A device asks for malicious names by itself: look at the device, not at the pupil."),
        Rule.REPORT: _("Somebody reported a site that should not open."),
    }[rule]


def channel_words(channel: Channel) -> str:
    """Return by what somebody is told."""
    return {Channel.MAIL: _("mail"), Channel.TELEGRAM: "Telegram", Channel.WEBHOOK: _("webhook")}[channel]


def category_words(incident: Incident) -> str:
    """Return the category as people know it; `-` if there is none."""
    return title_of(incident.category, language()) if incident.category else "-"


def sign_words(sign: str) -> str:
    """Return what a rule went by; one that this version does not know as it is."""
    known: dict[str, str] = {
        Sign.REPEATED: _("several visits"),
        Sign.VARIED: _("different sites"),
        Sign.SEARCH: _("after a search"),
        Sign.WORDS: _("telling names"),
        Sign.AGAIN: _("came back to a closed site"),
        Sign.TOOLS: _("tools against the filter"),
        Sign.REGULAR: _("at regular intervals"),
        Sign.MANY: _("many malicious sites"),
    }
    return known.get(sign, sign)
