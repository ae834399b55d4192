"""What a notice says: enough to act on, and no more about a pupil than that. Pure.

Neither the names that were asked for nor an address stand in it: mail and messengers are other people's machines.
Room and group stand there by their titles, a device by its id: a title may name its owner. Whoever wants to know more
opens the incident, and that is on record.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from journal.incident_words import category_words, rule_words
from journal.incidents import Incident, Rule
from journal.notifying.contacts import Role
from journal.titles import Titles
from papers.incident_words import role_words, rule_title
from translations import _, spoken

MOST_INCIDENTS = 10
"""So many are told in full; of the others only how many there are."""
_LONGEST = 120
"""Letters of a value; longer ones are cut."""
_IDS = Titles()
"""Nothing is known of the policy."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to one person."""

    subject: str
    text: str


def notice(
    incidents: Sequence[Incident],
    *,
    school: str,
    zone: tzinfo,
    language: str,
    instead: Role | None = None,
    titles: Titles = _IDS,
) -> Notice:
    """Return the message about these incidents, at least one. `instead`: in whose place the reader is told."""
    with spoken(language):
        first = incidents[0]
        if len(incidents) == 1:
            subject = _("Incident {number}: {what}").format(number=first.id, what=rule_title(first.rule))
        else:
            subject = _("{count} incidents, from {number} on").format(count=len(incidents), number=first.id)
        parts = [_about(each, zone, titles) for each in incidents[:MOST_INCIDENTS]]
        if len(incidents) > MOST_INCIDENTS:
            text = _("And {count} more. All that nobody has looked at: schoolfilter journal show --state new")
            parts.append(text.format(count=len(incidents) - MOST_INCIDENTS))
        if instead is not None:
            text = _("You are told because no {role} is entered for this group and room: schoolfilter journal contacts")
            parts.append(text.format(role=role_words(instead)))
        parts.append(_next_steps(incidents))
        heading = one_line(school) or "schoolfilter"
        return Notice(f"{heading}: {subject}", "\n\n".join([heading, *parts]) + "\n")


def sample(*, school: str, language: str) -> Notice:
    """Return a message that only shows that messages arrive."""
    with spoken(language):
        heading = one_line(school) or "schoolfilter"
        text = _("This is a test. Notices of incidents will reach you in this way.")
        return Notice(f"{heading}: {_('test notice')}", f"{heading}\n\n{text}\n")


def rows(incident: Incident, zone: tzinfo, titles: Titles = _IDS) -> list[tuple[str, str]]:
    """Return what is told of an incident, label and value, in the language in use."""
    found = [
        (_("Incident"), incident.id),
        (_("What"), rule_title(incident.rule)),
        (_("Category"), category_words(incident)),
        (_("When"), span(incident, zone)),
        (_("Room"), titles.room(incident.room) or "-"),
        (_("Lesson"), incident.lesson),
        (_("Group"), titles.group(incident.group)),
    ]
    if incident.rule is not Rule.REPORT:
        found += [
            (_("Device"), _device(incident, titles)),
            (_("How often"), _("{queries} queries").format(queries=incident.queries)),
        ]
    return [(label, one_line(value)) for label, value in found if value]


def span(incident: Incident, zone: tzinfo) -> str:
    """Return from when to when it was, by the school's clock."""
    first, last = _clock(incident.first, zone), _clock(incident.last, zone)
    if first == last:
        return first
    return f"{first} – {last[11:] if first[:10] == last[:10] else last}"


def one_line(text: str) -> str:
    """Return a text without what breaks a line, acts on a terminal or turns the direction; cut if it is long."""
    safe = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    line = " ".join(safe.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _about(incident: Incident, zone: tzinfo, titles: Titles) -> str:
    lines = [f"{label}: {value}" for label, value in rows(incident, zone, titles)]
    return "\n".join([*lines, rule_words(incident.rule)])


def _device(incident: Incident, titles: Titles) -> str:
    if incident.device:
        return incident.device
    if not incident.room:
        return _("a device that is not entered")
    return _("a device in {room}").format(room=titles.room(incident.room))


def _next_steps(incidents: Sequence[Incident]) -> str:
    number = incidents[0].id
    lines = [
        _("What to do next"),
        _("See what happened: {command}").format(command=f"schoolfilter journal show {number}"),
        _("Write down what was found and done: {command}").format(
            command=f"schoolfilter journal note {number} '…' --measures '…'"
        ),
        _("If you have no account on the filter's machine, ask the responsible person."),
    ]
    if any(each.rule in (Rule.ATTEMPT, Rule.UNLAWFUL, Rule.AT_RISK) for each in incidents):
        lines.append(_("A look-up is no proof of intent: pages load other names by themselves."))
    return "\n".join(lines)


def _clock(moment: str, zone: tzinfo) -> str:
    try:
        return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"
    except ValueError:
        return moment
