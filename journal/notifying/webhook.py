"""Notices as JSON to an address of the school's choice: for a messenger, a ticket system or a display."""

from collections.abc import Sequence

from journal.incidents import Incident
from journal.notifying.notice_text import Notice
from journal.notifying.sending import SendRules, Unreachable, post_json
from settings.model import Notices
from translations import _


def webhook_value(incidents: Sequence[Incident], notice: Notice, school: str) -> dict[str, object]:
    """Return what is sent: as little about a pupil as the text says."""
    return {
        "school": school,
        "subject": notice.subject,
        "text": notice.text,
        "incidents": [
            {
                "number": each.id,
                "rule": each.rule.value,
                "severity": each.severity,
                "category": each.category,
                "audience": each.audience.value,
                "room": each.room,
                "group": each.group,
                "lesson": each.lesson,
                "first": each.first,
                "last": each.last,
                "queries": each.queries,
                "names": each.names,
            }
            for each in incidents
        ],
    }


def send_webhook(value: dict[str, object], settings: Notices, rules: SendRules) -> None:
    """Post it. Raises Unreachable, which does not show the address: it may hold a key."""
    status, _answer = post_json(settings.webhook, value, rules, key="notices.webhook")
    if not 200 <= status < 300:
        raise Unreachable(_("the webhook says no ({code})").format(code=status))
