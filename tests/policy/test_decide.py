"""The order of precedence, one row for each neighbour in it, and the promises that hold for every view and name."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.bypass import BYPASS_NAMES
from policy.categories import BY_ID, CATEGORIES, Severity
from policy.decide import RULES, decide, entry_for
from policy.decision import Action, Decision, Listing, Reason, Terms, Why
from policy.groups import closed_categories
from policy.levels import Level
from policy.names import with_parents
from policy.needed import Needed
from policy.safesearch import SAFE, rewrites
from policy.services import SERVICES, SERVICES_BY_ID
from policy.statements import in_force
from policy.views import Entry, EntryKind, View

NAME = "www.example.org"


def listing(
    category: str,
    name: str = "example.org",
    list_id: str = "starter",
    *,
    allows: bool = False,
    terms: Terms | None = None,
) -> Listing:
    return Listing(list_id, category, name, allows, terms)


TRIAL = Terms(shadow=True)


def view(
    level: Level = Level.MEDIUM,
    blocked: tuple[str, ...] = ("games", "adult"),
    allow: tuple[str, ...] = (),
    block: tuple[str, ...] = (),
    protected: tuple[str, ...] = (),
    needed: tuple[str, ...] = (),
    safe: tuple[str, ...] = (),
) -> View:
    google = rewrites(SAFE)["www.google.kz"]
    return View(
        group="pupils",
        level=level,
        closed=closed_categories(level, frozenset(blocked)),
        allow={name: Entry(EntryKind.ALLOW, name, document="order 12 of 2026-09-02") for name in allow},
        block={name: Entry(EntryKind.BLOCK, name, note="asked by the council") for name in block},
        protected=frozenset(protected),
        needed={name: Needed(name, True, "education") for name in needed},
        rewrites=dict.fromkeys(safe, google),
    )


EVERYTHING = (listing("terrorism"), listing("games"))
OWN = ("example.org",)
SERVICE_AND_GAME = (listing("games"), listing("tiktok"))
GAME_AND_TRIAL = (listing("games", list_id="in-force"), listing("adult", list_id="trial", terms=TRIAL))

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
    ("service closed", view(blocked=("tiktok",)), (listing("tiktok"),), Action.BLOCK, Why.SERVICE),
    ("service not closed", view(), (listing("tiktok"),), Action.ALLOW, Why.DEFAULT),
    ("level high before services", view(Level.HIGH, ("tiktok",)), (listing("tiktok"),), Action.BLOCK, Why.LEVEL),
    ("service before categories", view(blocked=("tiktok", "games")), SERVICE_AND_GAME, Action.BLOCK, Why.SERVICE),
    ("service before needed", view(blocked=("tiktok",), needed=OWN), SERVICE_AND_GAME, Action.BLOCK, Why.SERVICE),
    (
        "director's list before services",
        view(blocked=("tiktok",), allow=OWN),
        SERVICE_AND_GAME,
        Action.ALLOW,
        Why.ALLOWED,
    ),
    ("low closes a chosen service", view(Level.LOW, ("tiktok",)), (listing("tiktok"),), Action.BLOCK, Why.SERVICE),
    ("open closes no service", view(Level.OPEN, ("tiktok",)), (listing("tiktok"),), Action.ALLOW, Why.DEFAULT),
    ("needed before categories", view(needed=OWN), (listing("games"),), Action.ALLOW, Why.NEEDED),
    ("needed though nobody lists it", view(needed=OWN), (), Action.ALLOW, Why.NEEDED),
    ("level high before needed", view(Level.HIGH, needed=OWN), (), Action.BLOCK, Why.LEVEL),
    ("level off before needed", view(Level.OFF, needed=OWN), (), Action.BLOCK, Why.LEVEL),
    ("hand-made block before needed", view(block=OWN, needed=OWN), (), Action.BLOCK, Why.BLOCKED),
    ("locked before needed", view(needed=OWN), EVERYTHING, Action.BLOCK, Why.LOCKED),
    ("director's list before needed", view(allow=OWN, needed=OWN), (), Action.ALLOW, Why.ALLOWED),
    ("a list on trial only counts", view(), (listing("games", terms=TRIAL),), Action.ALLOW, Why.SHADOW),
    ("a list on trial that would do nothing", view(), (listing("social", terms=TRIAL),), Action.ALLOW, Why.DEFAULT),
    ("a category before a list on trial", view(), GAME_AND_TRIAL, Action.BLOCK, Why.CATEGORY),
    ("needed before a list on trial", view(needed=OWN), (listing("games", terms=TRIAL),), Action.ALLOW, Why.NEEDED),
    (
        "director's list before a list on trial",
        view(allow=OWN),
        (listing("terrorism", terms=TRIAL),),
        Action.ALLOW,
        Why.ALLOWED,
    ),
    ("a locked category on trial only counts", view(), (listing("terrorism", terms=TRIAL),), Action.ALLOW, Why.SHADOW),
    ("a service on trial", view(blocked=("tiktok",)), (listing("tiktok", terms=TRIAL),), Action.ALLOW, Why.SHADOW),
    ("safe search of what nobody speaks of", view(safe=(NAME,)), (), Action.REWRITE, Why.SAFE_SEARCH),
    ("safe search of what the director opened", view(allow=OWN, safe=(NAME,)), (), Action.REWRITE, Why.SAFE_SEARCH),
    ("safe search of what is needed", view(needed=OWN, safe=(NAME,)), (), Action.REWRITE, Why.SAFE_SEARCH),
    (
        "safe search at level high of an order",
        view(Level.HIGH, allow=OWN, safe=(NAME,)),
        (),
        Action.REWRITE,
        Why.SAFE_SEARCH,
    ),
    (
        "safe search of what is listed but open",
        view(safe=(NAME,)),
        (listing("social"),),
        Action.REWRITE,
        Why.SAFE_SEARCH,
    ),
    ("safe search for staff that want it", view(Level.OPEN, safe=(NAME,)), (), Action.REWRITE, Why.SAFE_SEARCH),
    (
        "safe search and a list on trial",
        view(safe=(NAME,)),
        (listing("games", terms=TRIAL),),
        Action.REWRITE,
        Why.SHADOW,
    ),
    ("protected before safe search", view(protected=OWN, safe=(NAME,)), (), Action.ALLOW, Why.PROTECTED),
    ("a category before safe search", view(safe=(NAME,)), (listing("games"),), Action.BLOCK, Why.CATEGORY),
    ("a hand-made block before safe search", view(block=OWN, safe=(NAME,)), (), Action.BLOCK, Why.BLOCKED),
    ("level high before safe search", view(Level.HIGH, safe=(NAME,)), (), Action.BLOCK, Why.LEVEL),
    ("safe search of a name above is not ours", view(safe=OWN), (), Action.ALLOW, Why.DEFAULT),
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
        "_exceptions",
        "_directors_list",
        "_hand_made_blocks",
        "_level_high",
        "_services",
        "_needed",
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


def test_a_named_site_is_the_reason_before_an_expression_and_a_category_before_a_service() -> None:
    pattern = listing("games", "a" * 40, "a-patterns", terms=Terms(pattern=True))
    assert decide(view(), NAME, (pattern, listing("games", "org", "z"))).reason.list_id == "z"
    assert decide(view(), NAME, (pattern,)).reason.rule == "a" * 40
    seen = view(blocked=("advertising", "local"))
    assert decide(seen, NAME, (listing("local", NAME), listing("advertising", "org"))).reason.category == "advertising"


def test_the_type_asked_for_counts() -> None:
    only_v6 = (listing("games", terms=Terms(types=(28,))),)
    assert not decide(view(), NAME, only_v6).blocked
    assert decide(view(), NAME, only_v6, 28).blocked


def test_reasons_name_service_bundle_trial_and_engine() -> None:
    service = decide(view(blocked=("tiktok",)), NAME, SERVICE_AND_GAME).reason
    assert service == Reason(Why.SERVICE, "tiktok", "starter", "example.org")
    assert decide(view(needed=OWN), NAME, ()).reason == Reason(Why.NEEDED, "education", "", "example.org")
    trial = decide(view(), NAME, (listing("games", NAME, "new", terms=TRIAL),))
    assert trial == Decision(Action.ALLOW, Reason(Why.SHADOW, "games", "new", NAME))
    assert trial.columns == "allow\tshadow\tgames\tnew"
    rewritten = decide(view(safe=(NAME,)), NAME, ())
    assert rewritten.rewrite is not None
    assert (rewritten.rewrite.engine, rewritten.rewrite.target) == ("google", "forcesafesearch.google.com")
    assert rewritten.columns == "rewrite\tsafe-search\t\t"
    assert not rewritten.blocked


def test_a_needed_name_without_its_children_is_that_name_only() -> None:
    seen = replace(view(), needed={"example.org": Needed("example.org", False, "devices")})
    assert decide(seen, "example.org", (listing("games"),)).reason.why is Why.NEEDED
    assert decide(seen, NAME, (listing("games"),)).blocked


def test_the_nearest_needed_name_that_covers_it_is_named() -> None:
    needed = [Needed("org", True, "devices"), Needed("example.org", False, "education")]
    seen = replace(view(), needed={each.name: each for each in needed})
    assert decide(seen, NAME, ()).reason.rule == "org"
    assert decide(seen, "example.org", ()).reason.rule == "example.org"


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
    blocked=st.lists(st.sampled_from([*BY_ID, "youtube", "tiktok", "homemade"]), max_size=6).map(tuple),
    allow=NAME_SETS,
    block=NAME_SETS,
    protected=NAME_SETS,
    needed=NAME_SETS,
    safe=NAME_SETS,
)
TERMS = st.builds(
    Terms,
    important=st.booleans(),
    types=st.sampled_from([(), (1,), (28,)]),
    excluded=NAME_SETS.map(lambda names: names[:1]),
    nearest=st.booleans(),
    shadow=st.booleans(),
    pattern=st.booleans(),
)
CATEGORY_IDS = st.sampled_from([*BY_ID, "youtube", "tiktok", "homemade"])


def rule_by_rule(seen: View, name: str, listings: list[Listing], qtype: int) -> Decision:
    """Decide without any short cut: every rule in turn, on whatever holds."""
    held, shadow = in_force(listings, name, qtype)

    def first(statements: Sequence[Listing]) -> Decision:
        opinions = (rule(seen, name, statements) for rule in RULES)
        return next((each for each in opinions if each is not None), Decision(Action.ALLOW, Reason(Why.DEFAULT)))

    decision = first(held)
    if decision.reason.why is Why.DEFAULT and first(shadow).blocked:
        would = first(shadow).reason
        decision = Decision(Action.ALLOW, replace(would, why=Why.SHADOW))
    if name in seen.rewrites and not decision.blocked and decision.reason.why is not Why.PROTECTED:
        trial = decision.reason.why is Why.SHADOW
        reason = decision.reason if trial else Reason(Why.SAFE_SEARCH, rule=name)
        decision = Decision(Action.REWRITE, reason, seen.rewrites[name])
    return decision


@given(
    VIEWS,
    NAMES,
    st.lists(st.builds(Listing, NAMES, CATEGORY_IDS, NAMES, st.booleans(), st.none() | TERMS), max_size=5),
    st.sampled_from([1, 28]),
)
def test_the_short_cuts_change_nothing(seen: View, name: str, listings: list[Listing], qtype: int) -> None:
    assert decide(seen, name, listings, qtype) == rule_by_rule(seen, name, listings, qtype)


@given(VIEWS, NAMES, st.lists(st.builds(Listing, NAMES, CATEGORY_IDS, NAMES, st.booleans()), max_size=5))
def test_a_list_on_trial_changes_no_answer(seen: View, name: str, listings: list[Listing]) -> None:
    trial = Listing("trial", "terrorism", name, terms=Terms(shadow=True))
    without, on_trial = decide(seen, name, listings), decide(seen, name, [*listings, trial])
    assert (on_trial.action, on_trial.rewrite) == (without.action, without.rewrite)
    # What a trial may change is the reason of what nothing else speaks of, or which of several trials is named.
    assert on_trial == without or without.reason.why in {Why.DEFAULT, Why.SAFE_SEARCH, Why.SHADOW}


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
    assert decision.action in {Action.ALLOW, Action.BLOCK, Action.REWRITE}
    assert decide(seen, name, listings[::-1]).reason.why is decision.reason.why
    assert decide(seen, name, listings[::-1]).reason.category == decision.reason.category


def test_low_closes_chosen_services_and_no_chosen_category() -> None:
    blocked = frozenset({"games", "tiktok"})
    assert closed_categories(Level.LOW, blocked) - closed_categories(Level.LOW, frozenset()) == {"tiktok"}
    assert not closed_categories(Level.OPEN, frozenset(SERVICES_BY_ID)) & {service.id for service in SERVICES}


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
