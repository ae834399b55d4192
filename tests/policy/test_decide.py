"""The order of precedence, one row for each neighbour in it, and the promises that hold for every view and name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.bypass import BYPASS_NAMES
from policy.categories import BY_ID, CATEGORIES, Severity
from policy.decide import RULES, decide, entry_for
from policy.decision import Action, Listing, Why
from policy.names import with_parents
from policy.snapshot import Entry, EntryKind, Level, View, closed_categories

NAME = "www.example.org"


def listing(category: str, name: str = "example.org", list_id: str = "starter", *, allows: bool = False) -> Listing:
    return Listing(list_id, category, name, allows)


def view(
    level: Level = Level.MEDIUM,
    blocked: tuple[str, ...] = ("games", "adult"),
    allow: tuple[str, ...] = (),
    block: tuple[str, ...] = (),
    protected: tuple[str, ...] = (),
) -> View:
    return View(
        group="pupils",
        level=level,
        closed=closed_categories(level, frozenset(blocked)),
        allow={name: Entry(EntryKind.ALLOW, name, document="order 12 of 2026-09-02") for name in allow},
        block={name: Entry(EntryKind.BLOCK, name, note="asked by the council") for name in block},
        protected=frozenset(protected),
    )


EVERYTHING = (listing("terrorism"), listing("games"))
OWN = ("example.org",)

TABLE: list[tuple[str, View, tuple[Listing, ...], Action, Why]] = [
    ("nothing speaks of it", view(), (), Action.ALLOW, Why.DEFAULT),
    ("category closed", view(), (listing("games"),), Action.BLOCK, Why.CATEGORY),
    ("category not closed", view(), (listing("social"),), Action.ALLOW, Why.DEFAULT),
    ("level high closes the rest", view(Level.HIGH), (), Action.BLOCK, Why.LEVEL),
    ("level high before categories", view(Level.HIGH), (listing("games"),), Action.BLOCK, Why.LEVEL),
    ("hand-made block", view(block=OWN), (), Action.BLOCK, Why.BLOCKED),
    ("hand-made block before level high", view(Level.HIGH, block=OWN), (), Action.BLOCK, Why.BLOCKED),
    ("hand-made block before categories", view(block=OWN), (listing("games"),), Action.BLOCK, Why.BLOCKED),
    ("hand-made block even for staff", view(Level.OPEN, block=OWN), (), Action.BLOCK, Why.BLOCKED),
    ("director's list before hand-made block", view(allow=OWN, block=OWN), (), Action.ALLOW, Why.ALLOWED),
    ("director's list before a nearer block", view(allow=OWN, block=(NAME,)), (), Action.ALLOW, Why.ALLOWED),
    ("director's list before level high", view(Level.HIGH, allow=OWN), (), Action.ALLOW, Why.ALLOWED),
    ("director's list before categories", view(allow=OWN), (listing("games"),), Action.ALLOW, Why.ALLOWED),
    ("level off before director's list", view(Level.OFF, allow=OWN), (), Action.BLOCK, Why.LEVEL),
    ("locked before level off", view(Level.OFF), EVERYTHING, Action.BLOCK, Why.LOCKED),
    ("locked before director's list", view(allow=OWN), EVERYTHING, Action.BLOCK, Why.LOCKED),
    ("locked for staff, too", view(Level.OPEN), EVERYTHING, Action.BLOCK, Why.LOCKED),
    ("protected before locked", view(protected=OWN), EVERYTHING, Action.ALLOW, Why.PROTECTED),
    ("protected before level off", view(Level.OFF, protected=OWN), (), Action.ALLOW, Why.PROTECTED),
    ("protected before block", view(block=OWN, protected=OWN), (), Action.ALLOW, Why.PROTECTED),
    ("low leaves the unrelated open", view(Level.LOW), (listing("games"),), Action.ALLOW, Why.DEFAULT),
    ("low closes the harmful", view(Level.LOW, ()), (listing("adult"),), Action.BLOCK, Why.CATEGORY),
    ("open leaves the harmful open", view(Level.OPEN), (listing("adult"),), Action.ALLOW, Why.DEFAULT),
    (
        "a category that is not built in, closed",
        view(blocked=("local",)),
        (listing("local"),),
        Action.BLOCK,
        Why.CATEGORY,
    ),
    ("a category that is not built in", view(), (listing("local"),), Action.ALLOW, Why.DEFAULT),
]


@pytest.mark.parametrize(("case", "seen", "listings", "action", "why"), TABLE, ids=[row[0] for row in TABLE])
def test_order_of_precedence(case: str, seen: View, listings: tuple[Listing, ...], action: Action, why: Why) -> None:
    decision = decide(seen, NAME, listings)
    assert (decision.action, decision.reason.why) == (action, why)


def test_the_tuple_is_the_documented_order() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "_protected",
        "_bypass",
        "_locked",
        "_closed",
        "_directors_list",
        "_hand_made_blocks",
        "_level_high",
        "_categories",
    ]


@pytest.mark.parametrize(
    "name", ["use-application-dns.net", "mask.icloud.com", "dns.google", "mozilla.cloudflare-dns.com"]
)
@pytest.mark.parametrize("level", [level for level in Level if level is not Level.OPEN])
def test_ways_out_are_closed_before_the_directors_list(name: str, level: Level) -> None:
    decision = decide(view(level, allow=tuple(with_parents(name))), name, ())
    assert (decision.action, decision.reason.why, decision.reason.category) == (Action.BLOCK, Why.BYPASS, "bypass")
    assert decision.reason.rule in BYPASS_NAMES


def test_ways_out_are_open_to_staff_and_where_protected() -> None:
    assert not decide(view(Level.OPEN), "dns.google", ()).blocked
    assert not decide(view(protected=("dns.google",)), "dns.google", ()).blocked


def test_reason_names_entry_note_document_and_list() -> None:
    allowed = decide(view(allow=OWN), NAME, ()).reason
    assert (allowed.rule, allowed.document) == ("example.org", "order 12 of 2026-09-02")
    blocked = decide(view(block=OWN), NAME, ()).reason
    assert (blocked.rule, blocked.note) == ("example.org", "asked by the council")
    listed = decide(view(), NAME, (listing("games", NAME, "mine"),)).reason
    assert (listed.category, listed.list_id, listed.rule) == ("games", "mine", NAME)


def test_the_gravest_category_is_the_reason_whatever_the_order() -> None:
    seen = view(blocked=("advertising", "games", "adult"))
    listings = [listing("advertising", NAME), listing("games", NAME), listing("adult", "org")]
    for order in (listings, listings[::-1]):
        assert decide(seen, NAME, order).reason.category == "adult"


def test_the_nearest_listing_is_the_reason_among_equals() -> None:
    listings = [listing("games", "org", "a"), listing("games", NAME, "b"), listing("games", "example.org", "c")]
    assert decide(view(), NAME, listings).reason.rule == NAME


def test_an_exception_silences_its_own_list_only() -> None:
    closed, excepted = listing("games", list_id="one"), listing("games", NAME, "one", allows=True)
    other = listing("games", list_id="two")
    assert not decide(view(), NAME, (closed, excepted)).blocked
    assert decide(view(), NAME, (closed, excepted, other)).reason.list_id == "two"


def test_an_exception_alone_opens_nothing() -> None:
    excepted = (listing("games", NAME, allows=True),)
    assert decide(view(Level.HIGH), NAME, excepted).blocked
    assert decide(view(block=OWN), NAME, excepted).blocked


def test_nearest_entry_covers_a_name() -> None:
    entries = {name: Entry(EntryKind.BLOCK, name) for name in ("org", "example.org")}
    found = entry_for(entries, "a.b.example.org")
    assert found is not None
    assert found.name == "example.org"
    assert entry_for(entries, "example.net") is None


LABELS = st.sampled_from(["a", "b", "example", "dns"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
NAME_SETS = st.lists(NAMES, max_size=4).map(tuple)
VIEWS = st.builds(
    view,
    level=st.sampled_from(Level),
    blocked=st.lists(st.sampled_from([category.id for category in CATEGORIES]), max_size=6).map(tuple),
    allow=NAME_SETS,
    block=NAME_SETS,
    protected=NAME_SETS,
)


@given(VIEWS, NAMES, st.lists(LABELS, min_size=1, max_size=3))
def test_children_of_a_blocked_name_are_blocked_unless_allowed(seen: View, name: str, above: list[str]) -> None:
    blocked = replace(seen, block={**seen.block, name: Entry(EntryKind.BLOCK, name)})
    child = ".".join([*above, name])
    parents = set(with_parents(child))
    if parents & set(blocked.allow) or parents & blocked.protected:
        return
    assert decide(blocked, child, ()).blocked


@given(VIEWS, NAMES, st.sampled_from([category for category in CATEGORIES if category.locked]))
def test_a_locked_category_opens_for_nobody(seen: View, name: str, category: object) -> None:
    assert hasattr(category, "id")
    listings = (Listing("any", category.id, name),)
    protected = bool(set(with_parents(name)) & seen.protected)
    assert decide(seen, name, listings).blocked is not protected


@given(
    VIEWS, NAMES, st.lists(st.builds(Listing, NAMES, st.sampled_from(sorted(BY_ID)), NAMES, st.booleans()), max_size=5)
)
def test_every_decision_has_a_reason_and_does_not_depend_on_the_order_of_lists(
    seen: View, name: str, listings: list[Listing]
) -> None:
    decision = decide(seen, name, listings)
    assert decision.action in {Action.ALLOW, Action.BLOCK}
    assert decide(seen, name, listings[::-1]).reason.why is decision.reason.why
    assert decide(seen, name, listings[::-1]).reason.category == decision.reason.category


@pytest.mark.parametrize("level", list(Level))
def test_every_level_closes_the_locked_categories(level: Level) -> None:
    locked = {category.id for category in CATEGORIES if category.severity is Severity.UNLAWFUL}
    assert locked <= closed_categories(level, frozenset())


def test_every_category_has_four_titles() -> None:
    for category in CATEGORIES:
        assert set(category.names) == {"en", "ru", "kk", "ky"}
        assert all(category.names.values())
        assert category.title("de") == category.names["en"]
        assert category.title("kk") == category.names["kk"]
