"""What every numbered paper has besides its subject: its number, and where the evidence stood when it was drawn up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from papers.dates import written_moment
from papers.frame import code_words, frame, grouped, verification
from papers.kinds import paper_words
from papers.press import Value
from translations import _


@dataclass(frozen=True, slots=True)
class Numbered:
    """A paper's number, and the heads that it puts on record outside this machine."""

    school: str
    kind: str
    """As its file is named: `handover`."""
    number: int
    """Counts the papers of a kind within a year."""
    head: str
    """Of the journal's chain, as `journal verify --head` takes it."""
    trail: str
    """Of the audit trail, as `audit verify --head` takes it; empty if there is no policy yet."""
    printed_at: datetime
    """Aware, in the school's time zone."""
    key: str
    """The fingerprint of the key with which this machine signs heads, as `ssh-keygen -lf` prints it."""


def paper_number(paper: Numbered) -> str:
    """Return the number as people name the paper: `3/2026`."""
    return f"{paper.number}/{paper.printed_at.year}"


def numbered_frame(paper: Numbered, title: str, subtitles: Sequence[str], language: str) -> dict[str, Value]:
    """Return the values of `paper` in frame.typ; each further page begins with kind and number, in one line."""
    number = paper_number(paper)
    foot = _("No. {number}. Journal {head}. Printed: {moment}").format(
        number=number, head=paper.head, moment=written_moment(paper.printed_at, language)
    )
    running = " · ".join((paper_words(paper.kind), _("No. {number}").format(number=number)))
    return frame(paper.school, title, subtitles, foot, running)


def chain_verification(paper: Numbered, rows: Sequence[tuple[str, str]] = ()) -> dict[str, Value]:
    """Return the values of `verification` in frame.typ; `rows` stand before those of the heads."""
    heads = [(_("Head of the journal's chain"), paper.head)]
    if paper.trail:
        heads.append((_("Head of the audit trail"), paper.trail))
    heads.append((_("Key of this machine, for evidence"), grouped(paper.key)))
    return verification(
        [*rows, *heads],
        _(
            "To check, run the command below on the school's server. It says whether the journal still holds all that "
            "it held when this paper was printed, unchanged. The QR code holds the same."
        ),
        f"schoolfilter journal verify --head {paper.head}",
        paper_code(paper),
    )


def paper_code(paper: Numbered) -> str:
    """Return the text of the QR code: lines that anybody can read, with any telephone and without our server."""
    lines = [
        "schoolfilter-paper:1",
        f"school {code_words(paper.school)}",
        f"paper {paper.kind} {paper_number(paper)} {paper.printed_at.date().isoformat()}",
        f"journal {paper.head}",
        f"audit {paper.trail or '-'}",
    ]
    return "\n".join(lines)
