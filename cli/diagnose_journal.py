"""Judge the evidence: is the journal kept and signed, and do people hear of incidents. Pure: facts in, findings out."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from cli.days import minute
from cli.facts import Facts
from cli.findings import Finding, Health
from cli.journal_contacts import EXAMPLE, missing_settings
from cli.status import journal_faults
from translations import _


def journal(facts: Facts) -> Iterator[Finding]:
    """Judge the journal and what it says of itself."""
    found = [*_kept(facts), *_bound(facts)]
    yield from found
    if not found and facts.state.kept.running:
        yield Finding("journal", Health.OK, _("The journal is kept."))


def _kept(facts: Facts) -> Iterator[Finding]:
    state = facts.state
    if state.control_error or state.listening is None:
        return  # the server keeps it
    late = state.kept.lateness()
    for problem in state.kept.problems():
        remedy = _("See the server's own messages: journalctl -u schoolfilter")
        if problem == late:
            remedy = _(
                "After a standstill it catches up by itself. If it does not: see what else is busy here, with top"
            )
        yield Finding("journal", Health.PROBLEM, problem, remedy)


def _bound(facts: Facts) -> Iterator[Finding]:
    incidents = facts.state.incidents
    for fault in journal_faults(facts.state):
        yield Finding("journal", Health.PROBLEM, fault)  # with the next step
    for alarm in incidents.alarm_problems():
        # What to do first is part of the text.
        remedy = _("When it is dealt with: schoolfilter journal settle NUMBER --text 'what was found and done'")
        yield Finding("journal", Health.PROBLEM, alarm, remedy)
    if incidents.unsigned is not None:
        text = _("What the journal holds since {moment} is not signed: its end could be cut off without a trace.")
        moment = minute(incidents.unsigned, ZoneInfo(facts.settings.school.time_zone))
        yield Finding(
            "journal",
            Health.PROBLEM,
            text.format(moment=moment),
            _("See the server's own messages: journalctl -u schoolfilter"),
        )


def notices(facts: Facts) -> Iterator[Finding]:
    """Judge whether incidents reach somebody."""
    incidents, settings = facts.state.incidents, facts.settings
    if incidents.contacts is None:
        return  # there is no journal yet, or this user may not read it
    if not incidents.contacts and not settings.notices.webhook:
        yield Finding("notices", Health.WARNING, _("Nobody is entered who is told of incidents."), EXAMPLE)
        return
    found = False
    for name, missing in _missing(facts):
        found = True
        remedy = _("Try it: schoolfilter journal contacts test '{name}'").format(name=name)
        yield Finding("notices", Health.PROBLEM, missing, remedy)
    for problem in facts.state.kept.unsent() or incidents.untold_problems():
        found = True
        yield Finding(
            "notices",
            Health.PROBLEM,
            problem,
            _("Correct [notices] in the settings or the contact, then: schoolfilter journal contacts test NAME"),
        )
    if not found:
        yield Finding("notices", Health.OK, _("Somebody is told of incidents."))


def _missing(facts: Facts) -> list[tuple[str, str]]:
    """Return each lack of the settings once, with a contact whom it keeps from being told."""
    found: dict[str, str] = {}
    for contact in facts.state.incidents.contacts or ():
        for each in missing_settings(facts.settings, contact):
            found.setdefault(each, contact.name)
    return [(name, missing) for missing, name in found.items()]
