"""The policy of a moment for people: the matrix of groups and categories, and what each part of it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from cli.days import minute
from cli.difference_words import field_words, kind_words, value_words
from cli.matrix_state import PolicyThen
from cli.protocol import document_words
from cli.table import columns
from cli.words import audience_of, category_title
from policy.calendar_bodies import KINDS
from policy.categories import BY_ID
from policy.groups import Group
from policy.matrix import EVERYONE, Cell, Fact, Key, Origin, Topic, cell
from policy.names import display_name
from policy.safesearch import ENGINES, ENGINES_BY_ID, OFF, ON
from policy.subjects import SUBJECT_IDS
from translations import _


def policy_lines(found: PolicyThen, group: str | None, zone: tzinfo) -> Iterator[str]:
    """Yield the policy, or what of it concerns one group, line by line."""
    groups = [each for each in found.groups if group in (None, each.id)]
    then = _("The policy as it was at {moment}").format(moment=moment_words(found, zone))
    yield _("The policy now") if found.now else then
    yield ""
    yield from columns(_headings(), (_row(each, found.default_group) for each in groups))
    yield _("* the group of every client whose network is in no other group")
    yield ""
    yield from _matrix(groups)
    for each in groups:
        yield ""
        yield f"{each.title} ({each.id})"
        yield from (f"  {line}" for line in _group_lines(found, each.id, zone))
    yield ""
    yield from _blocks(found, group, zone)
    if group is None:
        yield from _rooms(found, zone)
        yield from _calendar(found, zone)
        yield _("Devices: {count}").format(count=len(found.ids("device")))
        yield from _list(found, zone)


def moment_words(found: PolicyThen, zone: tzinfo) -> str:
    """Return when it was in force."""
    if found.now:
        return _("now")
    text = minute(found.moment, zone)
    if text.endswith("23:59"):
        return _("the end of {day}").format(day=text[:10])
    return text


def _headings() -> tuple[str, ...]:
    return _("GROUP"), _("TITLE"), _("LEVEL"), _("SUPERVISED"), _("SAFE SEARCH"), _("NETWORKS")


def _row(group: Group, default: str) -> tuple[str, ...]:
    return (
        group.id + ("*" if group.id == default else ""),
        group.title,
        group.level,
        _("yes") if group.supervised else _("no"),
        _("{count} of {all}").format(count=sum(mode != OFF for mode in group.safe_search.values()), all=len(ENGINES)),
        ", ".join(map(str, group.networks)) or "-",
    )


def _matrix(groups: Sequence[Group]) -> Iterator[str]:
    """Yield what each group gets of all categories, and of the services that are blocked for one of these groups."""
    blocked = frozenset[str]().union(*(group.blocked_categories for group in groups))
    subjects = [id_ for id_ in SUBJECT_IDS if id_ in BY_ID or id_ in blocked]
    cells = [[cell(group, id_) for group in groups] for id_ in subjects]
    headings = (_("CATEGORY OR SERVICE"), *(group.id for group in groups))
    yield from columns(
        headings,
        (
            (category_title(id_), *(_cell_words(found) for found in row))
            for id_, row in zip(subjects, cells, strict=True)
        ),
    )
    for found in Cell:
        if any(found in row for row in cells):
            yield f"  {_cell_words(found)}: {_legend(found)}"


def _cell_words(found: Cell) -> str:
    match found:
        case Cell.LAW:
            return _("by law")
        case Cell.CLOSED:
            return _("closed")
        case Cell.HOURS:
            return _("hours")
        case Cell.IDLE:
            return _("(open)")
        case Cell.OPEN:
            return _("open")
        case Cell.LIST:
            return _("list")
        case Cell.OFF:
            return _("off")


def _legend(found: Cell) -> str:
    match found:
        case Cell.LAW:
            return _("the law forbids it, closed for everybody")
        case Cell.CLOSED:
            return _("closed at any time")
        case Cell.HOURS:
            return _("closed in the hours that stand with the group")
        case Cell.IDLE:
            return _("closed for the group, but its level leaves it open")
        case Cell.OPEN:
            return _("open")
        case Cell.LIST:
            return _("only what the director's list opens")
        case Cell.OFF:
            return _("nothing opens")


def _group_lines(found: PolicyThen, id_: str, zone: tzinfo) -> Iterator[str]:
    """Yield what holds for a group, together what rests on the same, oldest first."""
    titles = {
        Topic.GROUP: _("group"),
        Topic.SUBJECT: _("closed"),
        Topic.SAFE_SEARCH: _("safe search"),
        Topic.NETWORK: _("networks"),
    }
    together: dict[Origin, dict[str, list[str]]] = {}
    for topic, title in titles.items():
        for key, fact in found.of(topic, id_).items():
            together.setdefault(fact.origin, {}).setdefault(title, []).append(_fact_words(key, fact))
    for origin, words in sorted(together.items(), key=lambda pair: pair[0].since):
        yield _origin_words(origin, zone)
        yield from (f"  {title}: {', '.join(each)}" for title, each in words.items())


def _fact_words(key: Key, fact: Fact) -> str:
    match key.topic:
        case Topic.SUBJECT:
            return f"{key.item} [{fact.value}]" if fact.value else key.item
        case Topic.SAFE_SEARCH:
            title = ENGINES_BY_ID[key.item].title if key.item in ENGINES_BY_ID else key.item
            return title if fact.value == ON else f"{title} ({fact.value})"
        case Topic.NETWORK:
            return key.item
    return f"{field_words(key.item)} {value_words(fact.value)}"


def _origin_words(origin: Origin, zone: tzinfo) -> str:
    text = _("since {since}, {by}, {document}")
    return text.format(since=minute(origin.since, zone), by=origin.by, document=document_words(origin.document))


def _blocks(found: PolicyThen, group: str | None, zone: tzinfo) -> Iterator[str]:
    rows = [
        (display_name(key.item), audience_of(key.holder or None), *_cells(fact.origin, zone), str(fact.value))
        for key, fact in found.of(Topic.BLOCK).items()
        if group is None or key.holder in (EVERYONE, group)
    ]
    yield _("Blocked by hand: {count}").format(count=len(rows))
    if rows:
        yield from columns((_("NAME"), _("FOR"), _("SINCE"), _("BY"), _("DOCUMENT"), _("REASON")), rows)
    yield ""


def _rooms(found: PolicyThen, zone: tzinfo) -> Iterator[str]:
    rows = []
    for id_ in found.ids("room"):
        facts = {key.item: fact for key, fact in found.of("room", id_).items()}
        fields = ("title", "level", "supervised", "closed", "networks", "responsible")
        origin = next(iter(facts.values())).origin
        rows.append((id_, *(_said(facts, field) for field in fields), *_cells(origin, zone)))
    yield _("Rooms: {count}").format(count=len(rows))
    if rows:
        headings = (_("ROOM"), _("TITLE"), _("LEVEL"), _("SUPERVISED"), _("WITHOUT A LESSON"), _("NETWORKS"))
        yield from columns((*headings, _("RESPONSIBLE"), _("SINCE"), _("BY"), _("DOCUMENT")), rows)
    yield ""


def _said(facts: Mapping[str, Fact], field: str) -> str:
    return value_words(facts[field].value) if field in facts else "-"


def _calendar(found: PolicyThen, zone: tzinfo) -> Iterator[str]:
    counts = [f"{kind_words(kind)} {len(found.ids(kind))}" for kind in KINDS if found.ids(kind)]
    yield _("Calendar: {counts}").format(counts=", ".join(counts) or "-")
    origins = {fact.origin for kind in KINDS for fact in found.of(kind).values()}
    if origins:
        last = max(origins, key=lambda origin: origin.since)
        yield "  " + _("last change: {origin}").format(origin=_origin_words(last, zone))


def _list(found: PolicyThen, zone: tzinfo) -> Iterator[str]:
    text = _("The director's list: names {count}, orders {orders}, digest of the last order {head}")
    yield text.format(count=len(found.of(Topic.LISTED)), orders=len(found.orders), head=found.head)
    day = found.moment.astimezone(zone).date().isoformat()
    yield "  " + _("all of it: schoolfilter orders show --at {day}").format(day=day)


def _cells(origin: Origin, zone: tzinfo) -> tuple[str, str, str]:
    return minute(origin.since, zone), origin.by, document_words(origin.document)
