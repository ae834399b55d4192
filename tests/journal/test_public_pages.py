"""The public pages, as an independent parser reads them: whole, without scripts, fetching nothing."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from journal.incidents import Rule
from journal.publishing.public_pages import files_of
from journal.publishing.publication import Publication, PublicMonth
from journal.publishing.small_counts import public_row
from tests.journal.test_publication import PUBLICATION
from tests.papers.test_order_sheet import HOSTILE
from translations import LANGUAGES, language, use

VOID = {"meta", "link", "br", "hr", "img", "input"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "nav", "main", "footer", "div", "h1", "h2", "p", "ul",
    "li", "a", "table", "caption", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
INSIDE = {
    "li": {"ul"}, "tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"}, "thead": {"table"}, "tbody": {"table"},
    "caption": {"table"}, "head": {"html"}, "body": {"html"}, "title": {"head"}, "meta": {"head"}, "style": {"head"},
}  # fmt: skip
NOT_IN_P = {"p", "ul", "table", "h1", "h2", "div"}


class Walk(HTMLParser):
    """Reads a page and refuses what is not nested or not expected."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.languages: list[str] = []
        self.headings: list[str] = []
        self.text: list[str] = []
        self.cells: list[int] = []
        self.begun: list[str] = []

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"
        assert not self.begun

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        assert INSIDE.get(tag) is None or self.open[-1] in INSIDE[tag], (tag, self.open)
        assert not (tag in NOT_IN_P and "p" in self.open), (tag, self.open)
        names = [name for name, _value in attrs]
        assert len(names) == len(set(names)), attrs
        assert not any(name.startswith("on") or name in ("src", "style", "srcset") for name in names), attrs
        self.begun.append(tag)
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag in ("html", "li", "a") and "lang" in given:
            self.languages.append(f"{tag}:{given['lang']}")
        if tag in ("h1", "h2"):
            self.headings.append(tag)
        if tag == "th":
            assert given.get("scope") in ("col", "row")
        if tag == "tr":
            self.cells.append(0)
        if tag in ("td", "th"):
            self.cells[-1] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def read(page: bytes) -> Walk:
    walk = Walk()
    walk.feed(page.decode())
    walk.close()
    assert walk.open == []
    return walk


HIDDEN = replace(
    PUBLICATION,
    months=(
        *PUBLICATION.months,
        PublicMonth("2026-10", 48_000, 0, public_row(dict.fromkeys(Rule, 2))),
    ),
)


def test_there_is_a_page_in_each_language_one_to_choose_and_the_data() -> None:
    assert sorted(files_of(PUBLICATION)) == [
        "en.html",
        "index.html",
        "information.json",
        "kk.html",
        "ky.html",
        "ru.html",
    ]


@pytest.mark.parametrize(
    "publication", [PUBLICATION, HIDDEN, replace(PUBLICATION, months=(), orders=(), protocols=(), contact="")]
)
@pytest.mark.parametrize("name", ["index", *LANGUAGES])
def test_each_page_is_whole_and_says_its_language(name: str, publication: Publication) -> None:
    walk = read(files_of(publication)[f"{name}.html"])
    assert walk.languages[0] == f"html:{'kk' if name == 'index' else name}"
    assert walk.headings[0] == "h1"
    assert walk.headings.count("h1") == 1
    assert len(set(walk.cells)) <= 1
    assert "School No. 12" in walk.words


@pytest.mark.parametrize("name", ["index", *LANGUAGES])
def test_links_lead_to_these_files_or_to_the_school(name: str) -> None:
    files = files_of(PUBLICATION)
    links = read(files[f"{name}.html"]).links
    assert set(links) <= {*files, "mailto:school@example.org"}
    others = [each for each in LANGUAGES if each != name]
    assert [link for link in links if link[:2] in LANGUAGES and link.endswith(".html")] == [
        f"{each}.html" for each in others
    ]


def test_the_page_says_what_it_must() -> None:
    words = read(files_of(HIDDEN)["en.html"]).words
    for expected in (
        "Filtering cannot be complete", "Terrorism", "Games", "YouTube", "white list", "No. 12 of 1 September 2026",
        "without a number, of 1 August 2026", "No. 3 of 25 August 2026", "November 2026", "48 000", "10 %", "under 1 %",
        "fewer than 5", "not told", "Contact: school@example.org", "As of 2 December 2026",
    ):  # fmt: skip
        assert expected in words, expected


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_sentence_ends_twice(name: str) -> None:
    assert ".." not in read(files_of(PUBLICATION)[f"{name}.html"]).words


def with_words(words: str) -> Publication:
    return replace(
        PUBLICATION,
        school=words,
        contact=words,
        orders=(replace(PUBLICATION.orders[0], number=words),),
        protocols=(replace(PUBLICATION.protocols[0], number=words),),
    )


@pytest.mark.parametrize("hostile", [words for words in HOSTILE if not words.startswith("https:")])
def test_hostile_text_stays_text(hostile: str) -> None:
    plain, walk = (read(files_of(with_words(words))["en.html"]) for words in ("plain words", hostile))
    assert walk.begun == plain.begun
    assert walk.links == plain.links
    assert walk.words.count(" ".join(hostile.split())) == plain.words.count("plain words")


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:x", "http://example.org"])
def test_only_addresses_that_lead_to_the_school_become_links(contact: str) -> None:
    assert contact not in read(files_of(replace(PUBLICATION, contact=contact))["en.html"]).links


def test_nothing_is_fetched_and_no_script_may_run() -> None:
    for name, data in files_of(PUBLICATION).items():
        if name.endswith(".html"):
            text = data.decode()
            assert "default-src &#x27;none&#x27;" in text
            assert "url(" not in text
            assert "@import" not in text


def test_the_commands_own_language_stays() -> None:
    before = language()
    try:
        use("ru")
        files_of(PUBLICATION)
        assert language() == "ru"
    finally:
        use(before)


def test_equal_publications_give_equal_files() -> None:
    assert files_of(PUBLICATION) == files_of(PUBLICATION)
