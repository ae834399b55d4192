"""The pages of the public section: HTML without scripts, and with nothing that is fetched from elsewhere. Pure."""

from collections.abc import Iterable, Mapping
from html import escape

from journal.documents.pupils import written_contact
from journal.incidents import Rule
from journal.publishing.publication import DATA, Document, Publication, PublicMonth, data_of
from journal.publishing.small_counts import LEAST
from papers.blocks import number
from papers.dates import written_day, written_month
from papers.incident_words import rule_words
from policy.subjects import title_of
from translations import LANGUAGES, _, spoken

OWN_NAMES: Mapping[str, str] = {"kk": "Қазақша", "ky": "Кыргызча", "ru": "Русский", "en": "English"}
_LINKS = ("mailto:", "tel:", "https:")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 1.05rem/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; }
h2 { font-size: 1.25rem; margin-top: 2rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; }
caption { text-align: left; padding: 0.4rem 0; }
th, td { border: 1px solid currentColor; padding: 0.35rem 0.5rem; text-align: left; overflow-wrap: break-word; }
td.count { text-align: right; }
footer { margin-top: 2.5rem; border-top: 1px solid currentColor; font-size: 0.9rem; }
""".strip()


def files_of(publication: Publication) -> dict[str, bytes]:
    """Return the files of the section by name: index.html, a page in each language, and the same as data."""
    files = {"index.html": _index(publication)}
    for language in LANGUAGES:
        with spoken(language):
            files[f"{language}.html"] = _page(publication, language)
    files[DATA] = data_of(publication)
    return {name: text.encode() for name, text in files.items()}


def _index(publication: Publication) -> str:
    titles = {}
    for language in LANGUAGES:
        with spoken(language):
            titles[language] = _("Information security")
    items = "\n".join(
        f'<li><a href="{language}.html" hreflang="{language}" lang="{language}">'
        f"{escape(OWN_NAMES[language])}: {escape(titles[language])}</a></li>"
        for language in LANGUAGES
    )
    title = titles[publication.language]
    body = f"<main>\n<h1>{escape(publication.school)}</h1>\n<ul>\n{items}\n</ul>\n</main>"
    return _document(publication.language, f"{title} – {publication.school}", body)


def _page(publication: Publication, language: str) -> str:
    title = _("Information security")
    parts = [
        f"<header>\n<p>{escape(publication.school)}</p>\n{_languages(language)}\n</header>",
        "<main>",
        _heading(1, title),
        *_purpose(),
        *_closed(publication, language),
        *_documents(publication, language),
        *_figures(publication, language),
        *_contact(publication),
        "</main>",
        _foot(publication, language),
    ]
    return _document(language, f"{title} – {publication.school}", "\n".join(parts))


def _purpose() -> list[str]:
    return [
        _heading(2, _("What the filter does")),
        _paragraph(
            _(
                "At school the internet is there for learning. A filter on the school's own server looks at each "
                "name of a site that a device asks for, and does not open sites with harmful content. It does not "
                "see pages, messages or passwords."
            )
        ),
        _paragraph(
            _(
                "Filtering cannot be complete: a site that no list knows yet may open. So teachers supervise the "
                "lessons, and everybody can report a site."
            )
        ),
    ]


def _closed(publication: Publication, language: str) -> list[str]:
    closed = publication.closed
    parts = [_heading(2, _("What is closed to pupils")), _list([title_of(id_, language) for id_ in closed.always])]
    if closed.partly:
        parts += [
            _paragraph(_("For some groups, or at some hours, also:")),
            _list([title_of(id_, language) for id_ in closed.partly]),
        ]
    if closed.only_list:
        parts.append(
            _paragraph(
                _("In some rooms or groups only the sites of the white list open. The school director approves it.")
            )
        )
    return parts


def _documents(publication: Publication, language: str) -> list[str]:
    parts = [_heading(2, _("Documents"))]
    if not publication.orders and not publication.protocols:
        return [*parts, _paragraph(_("No order and no protocol has been entered yet."))]
    for words, documents in (
        (_("Orders of the school director on the white list of sites:"), publication.orders),
        (_("Protocols of the methodological council:"), publication.protocols),
    ):
        if documents:
            parts += [_paragraph(words), _list([_document_words(each, language) for each in documents])]
    return parts


def _document_words(document: Document, language: str) -> str:
    day = written_day(document.day, language)
    if not document.number:
        return _("without a number, of {day}").format(day=day)
    return _("No. {number} of {day}").format(number=document.number, day=day)


def _figures(publication: Publication, language: str) -> list[str]:
    parts = [_heading(2, _("Figures"))]
    if not publication.months:
        return [*parts, _paragraph(_("No month is over yet."))]
    headings = [
        _("Month"),
        _("Queries"),
        _("Blocked"),
        *(rule_words(rule) for rule in Rule),
        _("Incidents together"),
    ]
    caption = _("Queries for sites, the share of them that was blocked, and incidents by kind")
    return [
        *parts,
        '<div class="scroll">\n<table>',
        f"<caption>{escape(caption)}</caption>",
        "<thead>\n<tr>" + "".join(f'<th scope="col">{escape(words)}</th>' for words in headings) + "</tr>\n</thead>",
        "<tbody>",
        *(_month(each, language) for each in publication.months),
        "</tbody>\n</table>\n</div>",
        _paragraph(
            _(
                "Counts below {least} are not told, nor sums from which they could be worked out, so that nobody can "
                "be recognised."
            ).format(least=LEAST)
        ),
    ]


def _month(month: PublicMonth, language: str) -> str:
    year, of_year = map(int, month.month.split("-"))
    cells = [
        _not_told() if month.queries is None else number(month.queries),
        _not_told() if month.blocked_percent is None else _percent(month.blocked_percent),
        *(_count(month.incidents.counts[rule]) for rule in Rule),
        _not_told() if month.incidents.total is None else number(month.incidents.total),
    ]
    head = f'<th scope="row">{escape(written_month(year, of_year, language))}</th>'
    return f"<tr>{head}" + "".join(f'<td class="count">{escape(cell)}</td>' for cell in cells) + "</tr>"


def _count(count: int | None) -> str:
    return _("fewer than {least}").format(least=LEAST) if count is None else number(count)


def _percent(percent: int) -> str:
    return f"{percent} %" if percent else _("under 1 %")


def _not_told() -> str:
    return _("not told")


def _contact(publication: Publication) -> list[str]:
    parts = [
        _heading(2, _("Report a site, or ask that one be opened")),
        _paragraph(
            _(
                "Pupils tell the teacher at once when they come upon harmful content; nobody is punished for telling. "
                "Parents and everybody else write to the school: the name of the site, and what is wrong with it. If a "
                "site that is needed for learning is closed, write what it is needed for; the school director decides."
            )
        ),
    ]
    if publication.contact:
        parts.append(f"<p>{escape(_('Contact:'))} {_contact_link(publication.contact)}</p>")
    return parts


def _contact_link(contact: str) -> str:
    words = escape(written_contact(contact))
    return f'<a href="{escape(contact)}">{words}</a>' if contact.startswith(_LINKS) else words


def _foot(publication: Publication, language: str) -> str:
    as_of = _("As of {day}").format(day=written_day(publication.day, language))
    data = _("The same as data")
    return f'<footer>\n{_paragraph(as_of)}\n<p><a href="{DATA}">{escape(data)}</a></p>\n</footer>'


def _languages(current: str) -> str:
    items = "".join(
        f'<li lang="{each}" aria-current="page">{escape(OWN_NAMES[each])}</li>'
        if each == current
        else f'<li><a href="{each}.html" hreflang="{each}" lang="{each}">{escape(OWN_NAMES[each])}</a></li>'
        for each in LANGUAGES
    )
    return f'<nav aria-label="{escape(_("Languages"))}">\n<ul>{items}</ul>\n</nav>'


def _heading(rank: int, words: str) -> str:
    return f"<h{rank}>{escape(words)}</h{rank}>"


def _paragraph(words: str) -> str:
    return f"<p>{escape(words)}</p>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _document(language: str, title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
