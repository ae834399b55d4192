"""What every paper has around its subject: head, approval, signatures, verification; and the language that it is in."""

import io
from collections.abc import Sequence

import segno

from papers.letters import printable
from papers.press import Value
from translations import _
from translations import spoken as spoken

_CODE_LETTERS = 100


def frame(school: str, title: str, subtitles: Sequence[str], foot: str, running: str = "") -> dict[str, Value]:
    """Return the values of `paper` in frame.typ.

    `running` stands at the top of each further page; title and subtitles do if it is empty.
    """
    return {
        "school": school,
        "title": title,
        "subtitles": subtitles,
        "foot": foot,
        "running": running or " · ".join((title, *subtitles)),
        # The pages are counted when they are set: the template fills these two in.
        "page": _("Page {page} of {pages}"),
    }


def approval(director: str, note: str) -> dict[str, Value]:
    """Return the values of `approval` in frame.typ, the block in the upper right corner.

    Without a director's name there is a line to write it on. The note says how it was approved besides, if it was.
    """
    return {
        "word": _("Approved"),
        "office": _("School director"),
        "name": director,
        "day": _("“____” ______________ 20____"),
        "stamp": _("Place of the stamp"),
        "note": note,
    }


def signatures(director: str) -> dict[str, Value]:
    """Return the values of `signatures` in frame.typ: the lines at the end, for director and responsible person."""
    return signers([(_("School director"), director), (_("Responsible person"), "")])


def signers(lines: Sequence[tuple[str, str]]) -> dict[str, Value]:
    """Return the values of `signatures` in frame.typ for offices with names; an empty name is a line to fill in."""
    return {
        "signature": _("signature"),
        "name": _("name"),
        "lines": [{"office": office, "name": name} for office, name in lines],
    }


def verification(rows: Sequence[tuple[str, str]], how: str, command: str, code: str) -> dict[str, Value]:
    """Return the values of `verification` in frame.typ: labelled rows, how to check, the text of the QR code."""
    return {
        "heading": _("Verification"),
        "rows": [{"label": label, "text": text} for label, text in rows],
        "how": how,
        "command": command,
        "code": _svg(code),
        "alt": code,
    }


def code_words(text: str) -> str:
    """Return what people wrote as the QR code holds it: more letters make it too fine for the camera of a telephone."""
    return printable(text)[:_CODE_LETTERS]


def grouped(digits: str) -> str:
    """Return a digest or a key fingerprint in groups of eight, as people read it out."""
    prefix, colon, digits = digits.rpartition(":")
    groups = " ".join(digits[start : start + 8] for start in range(0, len(digits), 8))
    return f"{prefix}{colon} {groups}" if colon else groups


def _svg(text: str) -> str:
    """Return the QR code of a text as a drawing. Medium error correction: a sheet on a wall gets creases and stains."""
    drawing = io.BytesIO()
    segno.make_qr(text, error="m", encoding="utf-8").save(drawing, kind="svg", xmldecl=False, svgns=True)
    return drawing.getvalue().decode("ascii")
