"""Keeps the catalogues: finds every text in the code, brings the .po files up to date and compiles them.

Run `python -m translations.catalogue` after a text was added or changed, translate what it names as missing in
translations/<language>/LC_MESSAGES/schoolfilter.po, and run it again. Needs Babel (in the `dev` extra). What it writes
depends on the texts alone, never on the day or the machine, so that a test can compare.
"""

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from translations.speak import DOMAIN, FOLDER, LANGUAGES

ROOT = FOLDER.parent
PACKAGES = (
    "approval",
    "blocklists",
    "cli",
    "journal",
    "papers",
    "policy",
    "resolver",
    "settings",
    "storage",
    "timetables",
    "translations",
)
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")

_MOMENT = datetime(2026, 9, 1, tzinfo=UTC)
"""Babel wants a date in the header; a real one would change the file without a change of text."""

Message = str | tuple[str, str]
"""A text, or singular and plural."""

CLICK: tuple[Message, ...] = (
    "Aborted!",
    "Choose from:\n\t{choices}",
    "Commands",
    "Could not open file {filename!r}: {message}",
    "Error: {message}",
    "Invalid value for {param_hint}: {message}",
    "Invalid value: {message}",
    "Missing argument",
    "Missing command.",
    "Missing option",
    "Missing parameter",
    "No such command {name!r}.",
    "No such option {name!r}.",
    "Option {name!r} does not take a value.",
    "Options",
    "Show this message and exit.",
    "Try '{command} {option}' for help.",
    "Usage:",
    "default: {default}",
    "directory",
    "file",
    "path",
    "{name} {filename!r} does not exist.",
    "{name} {filename!r} is a directory.",
    "{name} {filename!r} is a file.",
    "{name} {filename!r} is not readable.",
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)
"""Click's own words that a person meets here; speak.py makes click look for them in our catalogue."""


def extract() -> dict[Message, list[str]]:
    """Return every text of the code with the files it stands in, in order. Raises ValueError for one that is built."""
    found: dict[Message, set[str]] = {text: {"click"} for text in CLICK}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for text in texts_of(path.read_text("utf-8"), str(path.relative_to(ROOT))):
                found.setdefault(text, set()).add(str(path.relative_to(ROOT)))
    return {text: sorted(found[text]) for text in sorted(found, key=_key)}


def texts_of(source: str, name: str) -> Iterator[str]:
    """Yield the texts that stand in `_(…)` or `mark(…)`. Raises ValueError if one is not a plain string."""
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "mark"):
            match node.args:
                case [ast.Constant(value=str(text))] if text:
                    yield text
                case [ast.Attribute() | ast.Subscript()] if node.func.id == "_":
                    pass  # a text that was marked where it stands
                case _:
                    expected = f"one plain text in {node.func.id}(…), to be filled by .format"
                    raise ValueError(f"{name}:{node.lineno}: expected {expected}")


def po_path(language: str) -> Path:
    """Return the file that translators edit."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def mo_path(language: str) -> Path:
    """Return the file that the program reads."""
    return po_path(language).with_suffix(".mo")


def read(language: str) -> Catalog:
    """Return the catalogue as it is on disk; an empty one if there is none."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def renewed(language: str) -> Catalog:
    """Return the catalogue with exactly the texts of the code; translations that exist are kept."""
    known = read(language)
    catalogue = Catalog(
        locale=language,
        domain=DOMAIN,
        project="schoolfilter",
        header_comment="# schoolfilter: the texts of the program.",
        creation_date=_MOMENT,
        revision_date=_MOMENT,
        last_translator="schoolfilter",
        language_team=language,
        msgid_bugs_address="none",
        fuzzy=False,
    )
    for text, files in extract().items():
        # Files without line numbers: a text that moves within its file is no change for a translator.
        before = known.get(text)
        flags = ("python-brace-format",) if "{" in str(text) else ()
        catalogue.add(text, before.string if before else None, [(file, 0) for file in files], flags=flags)
    return catalogue


def po_bytes(catalogue: Catalog) -> bytes:
    """Return the text that translators edit."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, include_lineno=False)
    return buffer.getvalue()


def mo_bytes(catalogue: Catalog) -> bytes:
    """Return the compiled catalogue."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def missing(catalogue: Catalog) -> list[Message]:
    """Return the texts without a translation."""
    return [_id(message.id) for message in catalogue if message.id and not _filled(message.string)]


def _id(id_: str | list[str] | tuple[str, ...]) -> Message:
    return id_ if isinstance(id_, str) else (id_[0], id_[1])


def _filled(string: str | list[str] | tuple[str, ...] | None) -> bool:
    return bool(string) and all(string or ())


def _key(text: Message) -> str:
    return text if isinstance(text, str) else text[0]


def main() -> int:
    """Renew all catalogues; return 1 if translations are missing."""
    status = 0
    for language in TRANSLATED:
        catalogue = renewed(language)
        po_path(language).parent.mkdir(parents=True, exist_ok=True)
        po_path(language).write_bytes(po_bytes(catalogue))
        mo_path(language).write_bytes(mo_bytes(catalogue))
        lacking = missing(catalogue)
        print(f"{language}: {len(catalogue)} texts, {len(lacking)} not translated", file=sys.stderr)  # noqa: T201 - its output
        status |= bool(lacking)
    return status


if __name__ == "__main__":
    sys.exit(main())
