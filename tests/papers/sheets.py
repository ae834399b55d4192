"""An order sheet to print, and what independent tools read from the PDF."""

import re
import subprocess
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from papers.order_sheet import OrderSheet, SheetEntry, SheetOrder, SheetRemoval, SheetSignature
from policy.orders import Scope

ALMATY = timezone(timedelta(hours=5))
FINGERPRINT = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"
DIGEST = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
PREVIOUS = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"

ENTRY = SheetEntry(
    name="kitap.kz",
    display_name="kitap.kz",
    audience="",
    scope=Scope.ALWAYS,
    until=None,
    reason="Оқулықтар: әдебиет, ғылым, жиһангез",
    order=SheetOrder("11", date(2026, 8, 25), paper=False),
)

SHEET = OrderSheet(
    school="«Абай Құнанбайұлы атындағы № 12 мектеп» КММ",
    director="Әбдіхалық Ұ. Һ.",
    as_of=date(2026, 9, 2),
    number="12",
    day=date(2026, 9, 1),
    signature=SheetSignature(datetime(2026, 9, 1, 14, 5, tzinfo=ALMATY), FINGERPRINT),
    entries=(
        ENTRY,
        replace(ENTRY, name="okuu.example.org", display_name="okuu.example.org", audience="Өспүрүмдөр, 5–9-класстар"),
        replace(ENTRY, name="xn--e1afmkfd.example.net", display_name="пример.example.net", until=date(2027, 5, 25)),
    ),
    removals=(),
    permit=None,
    named_key="",
    document="",
    note="",
    sequence=12,
    digest=DIGEST,
    previous_digest=PREVIOUS,
    printed_at=datetime(2026, 9, 2, 9, 30, tzinfo=ALMATY),
)
"""The whole list, signed electronically."""

ORDER = replace(
    SHEET,
    as_of=None,
    signature=None,
    removals=(SheetRemoval("old.example.org", "old.example.org", "ученики 5–9 классов"),),
    permit=45,
    document="Акт № 3",
    note="Домен сменил владельца",
)
"""One paper order."""


def squeezed(text: str) -> str:
    """Return the text without white space and marks of direction: where a line breaks is not what a test is about."""
    return re.sub(r"[\s\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text)


def text_of(pdf: bytes) -> str:
    """Return all text as it stands in the file: row by row, cell by cell; a form feed ends a page."""
    return _text(pdf, "-raw")


def boxes_of(pdf: bytes) -> list[tuple[str, float, float]]:
    """Return each word with where it begins and ends on its line, in points from the left edge of the page."""
    words = re.findall(r'<word xMin="([\d.]+)" .*? xMax="([\d.]+)" .*?>(.*?)</word>', _text(pdf, "-bbox"))
    return [(word, float(begin), float(end)) for begin, end, word in words]


def fonts_of(pdf: bytes) -> dict[str, str]:
    """Return whether each font is embedded ("yes" or "no") by its name without the tag of the subset."""
    lines = _poppler(["pdffonts", "-"], pdf).decode().splitlines()[2:]
    return {line.split()[0].partition("+")[2]: line.split()[-5] for line in lines}


def codes_of(pdf: bytes, folder: Path) -> list[str]:
    """Return the text of each QR code on the pages, as they are seen at the resolution of a plain printer."""
    _poppler(["pdftoppm", "-r", "150", "-gray", "-", str(folder / "page")], pdf)
    found = []
    for image in sorted(folder.glob("page-*.pgm")):
        run = subprocess.run(
            ["zbarimg", "--quiet", "--raw", "-Sbinary=0", str(image)], capture_output=True, check=False
        )
        assert run.returncode in (0, 4), run.stderr  # 4: no code on this page
        found += [run.stdout.decode("utf-8").removesuffix("\n")] if run.returncode == 0 else []
    return found


def _text(pdf: bytes, option: str) -> str:
    return _poppler(["pdftotext", option, "-", "-"], pdf).decode("utf-8")


def _poppler(command: list[str], pdf: bytes) -> bytes:
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
