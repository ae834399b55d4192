"""Put a decision into words: who asked, which rule decided, what it rests on. Pure; `check` prints it."""

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from blocklists.search import terms_words
from policy.categories import Category, Severity
from policy.circumstances import Standing
from policy.decide import decide
from policy.decision import Action, Decision, Listing, Reason, Terms, Why
from policy.hours import Hours
from policy.levels import Level
from policy.names import display_name, with_parents
from policy.networks import parse_address
from policy.snapshot import Snapshot
from policy.subjects import subject, title_of
from policy.views import View
from resolver.special import is_special
from resolver.wire import META_TYPES, TRANSFERS
from translations import _

_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")


class InvalidMoment(ValueError):  # noqa: N818 - reads as what it is: "except InvalidMoment"
    """The text is not a moment; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom the question is answered, and how we know."""

    view: View
    client: str = ""
    network: str = ""
    """The network of the policy that led to the group; empty if none did."""
    served: bool = True
    """Whether the client may ask at all (allowed_networks)."""
    room: str = ""
    device: str = ""
    standing: Standing | None = None
    """What holds in the room; None if the client is in none."""

    @property
    def group(self) -> str:
        """The group."""
        return self.view.group

    @property
    def level(self) -> Level:
        """The level that counts for this client now, be it the group's or the room's."""
        return self.view.level


@dataclass(frozen=True, slots=True)
class Weekly:
    """A category or service that lists put the name in, and that is closed for the group in some hours of the week."""

    id: str
    hours: Hours
    other: str = ""
    """What closes the name though this were open: a category, a service, a level; empty if nothing does."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything `check` knows about one name and one asker."""

    name: str
    asker: Asker
    decision: Decision
    listings: tuple[Listing, ...]
    """Everything the lists say of the name, also what did not decide."""
    policy_version: int
    index_generation: str
    zone: str = ""
    """The zone whose own servers are asked ([upstream] zones); empty for all other names."""
    hours: tuple["Weekly", ...] = ()
    """What of that the lists say of the name is blocked for the group in some hours only."""


def asker_of(snapshot: Snapshot, allowed_networks: Sequence[str], *, client: str = "", group: str = "") -> Asker:
    """Return who asks: a client address, else a group, else somebody whom no network of the policy knows.

    Raises ValueError, naming the groups that exist, if the group does not.
    """
    if not client:
        chosen = group or snapshot.default_group
        if chosen not in snapshot.views:
            known = ", ".join(sorted(snapshot.views))
            raise ValueError(_("expected one of the groups {known}, found {group!r}").format(known=known, group=chosen))
        return Asker(snapshot.views[chosen])
    ip = parse_address(client)
    leading = snapshot.routes.find(ip)
    served = any(ip in ipaddress.ip_network(network, strict=False) for network in allowed_networks)
    place = snapshot.place_of(client)
    network = str(leading[0]) if leading is not None else ""
    standing = snapshot.circumstances.rooms.get(place.room)
    return Asker(snapshot.view(place), client, network, served, place.room, place.device, standing)


def explain(
    snapshot: Snapshot,
    name: str,
    listings: tuple[Listing, ...],
    asker: Asker,
    index_generation: str,
    qtype: int,
    zones: Collection[str],
) -> Explanation:
    """Decide in the order of `resolver.engine`, and keep what led to it."""
    zone = next((parent for parent in with_parents(name) if parent in zones), "")
    if not asker.served:
        decision = Decision(Action.REFUSE, Reason(Why.NETWORK))
    elif qtype in META_TYPES or qtype in TRANSFERS:
        decision = Decision(Action.REFUSE, Reason(Why.MALFORMED))
    elif not zone and is_special(name):
        decision = Decision(Action.LOCAL, Reason(Why.SPECIAL))
    else:
        decision = decide(asker.view, name, listings, qtype)
    weekly = snapshot.groups[asker.group].hours
    subjects = dict.fromkeys(listing.category for listing in listings if listing.category in weekly)
    hours = tuple(Weekly(id_, weekly[id_], _closed_besides(asker.view, id_, name, listings, qtype)) for id_ in subjects)
    return Explanation(name, asker, decision, listings, snapshot.version, index_generation, zone, hours)


def _closed_besides(view: View, id_: str, name: str, listings: tuple[Listing, ...], qtype: int) -> str:
    """Return what closes a name for a view in which one category or service is open; empty if nothing does."""
    decision = decide(view.varied(closed=view.closed - {id_}), name, listings, qtype)
    return (decision.reason.category or decision.reason.why) if decision.blocked else ""


def verdict(action: Action) -> str:
    """Return the outcome in a few words."""
    return {
        Action.ALLOW: _("allowed"),
        Action.BLOCK: _("blocked"),
        Action.REWRITE: _("allowed, in safe mode"),
        Action.LOCAL: _("answered by the filter itself"),
        Action.REFUSE: _("refused"),
        Action.FAIL: _("failed"),
    }[action]


def is_expression(rule: str) -> bool:
    """Tell whether what a list says is an expression, by its looks: neither a name nor a network."""
    try:
        ipaddress.ip_network(rule)
    except ValueError:
        return any(not (letter.isalnum() or letter in "-_.") for letter in rule)
    return False


def sentence(reason: Reason, name: str = "") -> str:
    """Return the rule that decided about a name as a sentence or two, without the text of an expression."""
    if reason.via:
        leads = _("The answer leads to {via}.").format(via=display_name(reason.via))
        return f"{leads} {sentence(replace(reason, via=''), reason.via)}"
    if reason.list_id and is_expression(reason.rule):
        return _by_expression(reason, display_name(name))
    rule = display_name(reason.rule)
    category = reason.category
    match reason.why:
        case Why.PROTECTED:
            return _(
                "{rule} is a protected name (the school's own or the ministry's): no list and no entry can block it."
            ).format(rule=rule)
        case Why.BYPASS:
            return _(
                "Devices ask for {rule} to find out whether they may go around the school's filter; the answer is no "
                "for all groups but those of level open."
            ).format(rule=rule)
        case Why.LOCKED:
            return _(
                "A list names {rule} in the category {category}, which the law forbids: "
                "no entry and no order can open it."
            ).format(rule=rule, category=category)
        case Why.ALLOWED:
            return _("The director's list allows {rule} and all below it.").format(rule=rule)
        case Why.BLOCKED:
            return _("An entry made by hand blocks {rule} and all below it.").format(rule=rule)
        case Why.LESSON if reason.rule == Level.OFF:
            return _("No lesson is going on in this supervised room: nothing opens without a responsible teacher.")
        case Why.LESSON:
            return _("In this room and lesson only the director's list opens, and this is not on it.")
        case Why.TIMETABLE if reason.rule == Level.OFF:
            return _("The timetable of internet use closes everything now.")
        case Why.TIMETABLE:
            return _("By the timetable of internet use only the director's list opens now, and this is not on it.")
        case Why.EXAM if reason.rule == Level.OFF:
            return _("An exam is going on: nothing opens.")
        case Why.EXAM:
            return _("An exam is going on: only the director's list opens, and this is not on it.")
        case Why.PAUSE if reason.rule == Level.OFF:
            return _("Somebody has closed everything here for a while.")
        case Why.PAUSE:
            return _("Somebody has let only the director's list open here for a while, and this is not on it.")
        case Why.EXCEPTION:
            return _("An exception for this room, device or lesson decides about {rule} and all below it.").format(
                rule=rule
            )
        case Why.LEVEL if reason.rule == Level.OFF:
            return _("The group is at level off: nothing opens.")
        case Why.LEVEL:
            return _("The group is at level high: only the director's list opens, and this is not on it.")
        case Why.CATEGORY:
            return _("A list names {rule} in the category {category}, which is closed for this group.").format(
                rule=rule, category=category
            )
        case Why.SERVICE:
            return _("A list names {rule} as part of the service {service}, which is closed for this group.").format(
                rule=rule, service=category
            )
        case Why.NEEDED:
            return _(
                "Lessons or devices need {rule} (bundle {bundle}): no category closes it, whatever the lists say."
            ).format(rule=rule, bundle=category)
        case Why.SAFE_SEARCH:
            return _("Nothing closes {rule}; this group gets it in its safe mode.").format(rule=rule)
        case Why.SHADOW:
            return _(
                "Nothing closes it, but a list on trial would: it names {rule} in {category}, and is only counted."
            ).format(rule=rule, category=category)
        case Why.DEFAULT:
            return _("No rule speaks against it.")
        case Why.REBINDING:
            return _("A public name was answered with a private address, which is how attacks on the network begin.")
        case Why.SPECIAL:
            return _("It is a special-use name: standards forbid asking anybody outside for it.")
        case Why.NETWORK:
            return _("The client is in none of the allowed networks ([server] allowed_networks): it gets no answers.")
        case Why.RATE:
            return _("The client asks more often than [server] rate_limit allows.")
        case Why.MALFORMED:
            return _("The query cannot be served as it was written.")
        case Why.UPSTREAM:
            return _("No upstream gave a usable answer.")


def _by_expression(reason: Reason, name: str) -> str:
    """Return what an expression decided; how it is written (up to a thousand signs) would hide all else."""
    fits = _("A pattern of the list {list} fits {name}.").format(list=reason.list_id, name=name)
    match reason.why:
        case Why.LOCKED:
            text = _("The law forbids its category {category}: no entry and no order can open it.")
        case Why.SHADOW:
            text = _("The list is on trial and only counted; else its category {category} would close the name.")
        case _:
            text = _("Its category {category} is closed for this group.")
    return f"{fits} {text.format(category=reason.category)}"


def severity_name(severity: Severity) -> str:
    """Return the word for a severity."""
    return {
        Severity.UNLAWFUL: _("unlawful"),
        Severity.HARMFUL: _("harmful"),
        Severity.UNRELATED: _("unrelated to education"),
        Severity.NUISANCE: _("nuisance"),
    }[severity]


def category_line(category_id: str, language: str) -> str:
    """Return title, severity and clause of a category in one line; of a service, that it is one."""
    found = subject(category_id)
    if found is None:
        return category_id
    parts = [category_id]
    if isinstance(found, Category):
        parts.append(severity_name(found.severity))
        if found.clause:
            parts.append(found.clause)
    else:
        parts.append(_("service"))
    return f"{title_of(category_id, language)} ({', '.join(parts)})"


def conditions(terms: Terms | None) -> list[str]:
    """Return the conditions of a statement, most of them in the words of lists: `important`, `dnstype=A`."""
    words = list(terms_words(terms))
    return [_("an expression"), *words] if terms is not None and terms.pattern else words


def overruled(explanation: Explanation) -> list[Listing]:
    """Return what the lists say besides the listing that decided: an open name may be listed all the same."""
    reason = explanation.decision.reason
    decided = (reason.list_id, reason.category, reason.rule)
    return [item for item in explanation.listings if (item.list_id, item.category, item.name) != decided]


def parse_moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the moment a person means: `14:30` (today), `2026-09-02 14:30`, or ISO 8601 with an offset.

    Times without an offset are the school's. Raises InvalidMoment.
    """
    text = text.strip()
    expected = _("expected a time such as 14:30, 2026-09-02 14:30 or 2026-09-02T14:30+05:00, found {text!r}")
    clock = _TIME_OF_DAY.fullmatch(text)
    try:
        if clock:
            hour, minute, second = (int(part or 0) for part in clock.groups())
            naive = now.astimezone(zone).replace(
                hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None, fold=0
            )
        else:
            naive = datetime.fromisoformat(text)
        if naive.tzinfo is not None:
            return naive.astimezone(zone)
        moment = naive.replace(tzinfo=zone)
        there_and_back = moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise InvalidMoment(expected.format(text=text)) from None
    if there_and_back != naive:
        raise InvalidMoment(
            _("expected a time that exists, found {text!r}: clocks were put forward then").format(text=text)
        )
    return moment
