"""What a site needs: found in the log by what follows it, told apart from what is refused all day long."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Why
from resolver.dependencies import Dependencies, Query, dependencies

SITE = "lessons.example"


def ask(moment: float, name: str, blocked: bool = True, client: str = "10.0.0.5", why: str = Why.LEVEL) -> Query:
    return Query(moment, client, name, blocked, why if blocked else Why.DEFAULT)


def visit(moment: float, client: str = "10.0.0.5") -> Query:
    return ask(moment, SITE, blocked=False, client=client)


def found(queries: Sequence[Query], within: float = 10) -> list[tuple[str, int, int]]:
    result = dependencies(queries, SITE, within=within)
    return [(each.name, each.occasions, each.clients) for each in result.refused]


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        pytest.param([], [], id="empty-log"),
        pytest.param([visit(0)], [], id="nothing-follows"),
        pytest.param([visit(0), ask(1, "cdn.example")], [("cdn.example", 1, 1)], id="one-visit-is-enough"),
        pytest.param([ask(0, "cdn.example"), visit(1)], [], id="what-comes-before-does-not-count"),
        pytest.param([visit(0), ask(10, "cdn.example")], [], id="what-comes-too-late-does-not-count"),
        pytest.param([visit(0), ask(9.9, "cdn.example")], [("cdn.example", 1, 1)], id="just-within"),
        pytest.param([visit(0), ask(1, "cdn.example", client="10.0.0.6")], [], id="another-client-is-another-matter"),
        pytest.param([visit(0), ask(1, "cdn.example", blocked=False)], [], id="what-opens-is-no-problem"),
        pytest.param([visit(0), ask(1, f"img.{SITE}")], [], id="names-below-open-with-the-site"),
        pytest.param(
            [ask(0, f"www.{SITE}", False), ask(1, "cdn.example")], [("cdn.example", 1, 1)], id="www-begins-it"
        ),
        pytest.param([visit(0), ask(1, f"my{SITE}")], [(f"my{SITE}", 1, 1)], id="no-name-below-but-alike"),
        pytest.param(
            [visit(0), ask(1, "cdn.example"), ask(1.1, "cdn.example"), visit(2), ask(3, "cdn.example")],
            [("cdn.example", 1, 1)],
            id="one-page-is-one-occasion",
        ),
        pytest.param(
            [visit(0), ask(1, "a.example"), visit(20), ask(21, "a.example"), visit(40), ask(41, "b.example")],
            [("a.example", 2, 1)],
            id="of-three-visits-two-are-needed",
        ),
        pytest.param(
            [visit(0), visit(0.1, "10.0.0.6"), ask(1, "a.example"), ask(1.2, "a.example", client="10.0.0.6")],
            [("a.example", 2, 2)],
            id="clients-are-counted",
        ),
        *(
            pytest.param([visit(0), ask(1, "x.example", why=why)], [], id=f"{why}-is-never-proposed")
            for why in (Why.BYPASS, Why.LOCKED, Why.REBINDING, Why.SPECIAL)
        ),
        *(
            pytest.param([visit(0), ask(1, "x.example", why=why)], [("x.example", 1, 1)], id=f"{why}-can-be-opened")
            for why in (Why.LEVEL, Why.CATEGORY, Why.SERVICE, Why.BLOCKED)
        ),
    ],
)
def test_what_follows_the_site_and_is_refused_is_found(
    queries: list[Query], expected: list[tuple[str, int, int]]
) -> None:
    assert found(queries) == expected


def test_what_is_refused_all_day_is_not_part_of_the_site() -> None:
    day = [ask(float(second), "chatty.example") for second in range(1000, 2000, 5)]
    visits = [query for begin in (0, 2000, 4000) for query in (visit(begin), ask(begin + 1, "chatty.example"))]
    visits += [ask(begin + 2, "cdn.example") for begin in (0, 2000, 4000)]
    queries = sorted([*day, *visits], key=lambda query: query.moment)
    assert found(queries) == [("cdn.example", 3, 1)]
    [cdn] = dependencies(queries, SITE, within=10).refused
    assert (cdn.share, cdn.elsewhere) == (1.0, 0.0)


def test_what_is_asked_for_now_and_then_besides_is_still_proposed() -> None:
    fonts = [ask(float(second), "fonts.example") for second in range(1000, 1020, 10)]
    other = [ask(float(second), "other.example") for second in range(1020, 2000, 10)]
    visits = [query for begin in (0, 3000) for query in (visit(begin), ask(begin + 1, "fonts.example"))]
    queries = sorted([*fonts, *other, *visits], key=lambda query: query.moment)
    [found] = dependencies(queries, SITE, within=10).refused
    assert (found.name, found.share, found.elsewhere) == ("fonts.example", 1.0, 0.02)


def test_what_shows_in_few_of_many_visits_is_left_out() -> None:
    queries = [visit(begin) for begin in range(0, 2000, 100)] + [ask(1, "rare.example"), ask(101, "rare.example")]
    assert found(sorted(queries, key=lambda query: query.moment)) == []


def test_occasions_in_which_the_site_opened_outweigh_those_in_which_it_did_not() -> None:
    closed = [ask(0, SITE), ask(1, "elsewhere.example"), ask(100, SITE), ask(101, "elsewhere.example")]
    before = dependencies(closed, SITE, within=10)
    assert (before.opened, before.occasions) == (False, 2)
    assert [each.name for each in before.refused] == ["elsewhere.example"]
    after = dependencies([*closed, visit(200), ask(201, "cdn.example")], SITE, within=10)
    assert (after.opened, after.occasions, [each.name for each in after.refused]) == (True, 1, ["cdn.example"])


def test_a_site_that_opens_in_the_middle_of_an_occasion_begins_a_new_one() -> None:
    assert found([ask(0, SITE), ask(1, "other.example"), visit(2), ask(3, "cdn.example")]) == [("cdn.example", 1, 1)]


def test_the_reason_is_that_of_the_last_refusal() -> None:
    first = Query(1, "10.0.0.5", "cdn.example", True, Why.LEVEL)
    last = Query(2, "10.0.0.5", "cdn.example", True, Why.CATEGORY, "games", "ut1-games")
    [found] = dependencies([visit(0), first, last], SITE, within=10).refused
    assert (found.why, found.category, found.list_id) == (Why.CATEGORY, "games", "ut1-games")


_QUERIES = st.lists(
    st.builds(
        ask,
        st.integers(0, 200).map(float),
        st.sampled_from((SITE, f"www.{SITE}", "a.example", "b.example")),
        st.booleans(),
        st.sampled_from(("10.0.0.5", "10.0.0.6")),
        st.sampled_from(tuple(Why)),
    ),
    max_size=60,
).map(lambda queries: sorted(queries, key=lambda query: query.moment))


@given(_QUERIES)
def test_only_names_that_were_refused_and_could_open_are_proposed(queries: list[Query]) -> None:
    result: Dependencies = dependencies(queries, SITE, within=10)
    could = {
        query.name for query in queries if query.blocked and query.why in {"level", "category", "service", "blocked"}
    }
    for each in result.refused:
        assert each.name in could
        assert 0 < each.occasions <= result.occasions
        assert 0 < each.clients <= result.clients
        assert 0 < each.share <= 1
        assert 0 <= each.elsewhere <= 1
