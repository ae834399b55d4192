"""README.txt of an export: what it is and how to check it without our program, in four languages."""

import textwrap
from collections.abc import Iterator, Mapping

from journal.trust.device_key import EXPORT_NAMESPACE, HEAD_NAMESPACE
from translations import LANGUAGES, _, spoken

SIGNER = "school"
"""The name by which ssh-keygen knows whose signature it is."""
_RULE = "=" * 72
_WIDTH = 100
_VERIFY = "ssh-keygen -Y verify -f allowed_signers -I {signer} -n {namespace} -s {name}.sig < {name}"


def readme(school: str, period: str, data: str, rows: int, altered: Mapping[int, str]) -> bytes:
    """Return the text for all readers, as each system's simplest program opens it.

    `data`: the path of the data inside the zip. `altered`: by the number of the record that says so, the segments of
    which what had been taken in is no longer there.
    """
    parts = []
    for tongue in LANGUAGES:
        with spoken(tongue):
            parts.append("\n".join(_lines(school, period, data, rows, altered)))
    text = f"\n\n{_RULE}\n\n".join(parts) + "\n"
    return text.replace("\n", "\r\n").encode("utf-8-sig", "backslashreplace")


def _lines(school: str, period: str, data: str, rows: int, altered: Mapping[int, str]) -> Iterator[str]:
    yield from (_("Export by schoolfilter"), "")
    yield from (f"  {school}", f"  {period}", f"  {data}", "  " + _("rows: {rows}").format(rows=rows), "")
    yield from _paragraph(
        _(
            "Confidential: this export holds personal data of pupils, who are minors. Show it to nobody who does not "
            "need it for the check, and destroy it when the check is over. manifest.json says who exported it, when "
            "and why; the school's journal has it on record."
        )
    )
    if altered:
        named = _("{segment} (record {number})")
        yield from _paragraph(
            _(
                "The query log of these days is not as it was when it was taken in: parts of it were changed, cut off "
                "or removed afterwards. What this export has of them is what was left, and proves nothing of what was "
                "asked for: {segments}."
            ).format(segments=", ".join(named.format(segment=name, number=number) for number, name in altered.items()))
        )
    yield from _paragraph(
        _(
            "To check everything at once, unpack the zip into an empty folder, open a terminal there and type (Python "
            "3.8 or newer):"
        )
    )
    yield from ("    python3 check.py", "    py check.py          (Windows)", "")
    yield from _paragraph(_("To check by hand, with programs that are not ours (Linux, macOS):"))
    yield from (
        f"    {_signature('manifest.json')}",
        f"    {_signature('chain/head.txt')}",
        "    sha256sum -c SHA256SUMS",
        "",
    )
    yield from _paragraph(
        _(
            "On Windows, use the command prompt (cmd) for the same ssh-keygen commands. Digests: compare what these "
            "print with SHA256SUMS:"
        )
    )
    windows = data.replace("/", "\\")
    yield from (f"    certutil -hashfile {windows} SHA256", f"    Get-FileHash {windows}          (PowerShell)", "")
    yield from _paragraph(
        _(
            "ssh-keygen has to say Good and show the fingerprint of the school's machine. Compare it with a paper of "
            "the school that names it, or with what you wrote down at the machine (log export prints it): "
            "allowed_signers comes with the export, so that Good alone says only that somebody signed it."
        )
    )
    yield from _paragraph(
        _(
            "chain/proof.jsonl shows records of the school's journal: those that this export rests on (for the query "
            "log the digests of its files and the sums of each day, for the journal the incidents), and that of this "
            "export with the digest of manifest.json. Each line is bound to the one before by SHA-256 and leads to "
            "chain/head.txt, which the machine signed. A head that stands on a paper of the school belongs to the same "
            "chain; on the school's machine: schoolfilter journal verify --head NUMBER:DIGITS."
        )
    )
    yield from _paragraph(
        _(
            "What it cannot show: which person used a device; and whether whoever administers the machine held "
            "something back before it was written. Signature and chain show that nothing was changed since."
        )
    )
    if data.endswith(".csv"):
        yield from _paragraph(
            _(
                "The CSV is made for Excel: a value that a spreadsheet could take for a formula (it begins with = + "
                "- @) has an apostrophe before it. Excel may show a room such as 1-2 as a date; an export as xlsx "
                "does not."
            )
        )


def _signature(name: str) -> str:
    namespace = EXPORT_NAMESPACE if name == "manifest.json" else HEAD_NAMESPACE
    return _VERIFY.format(signer=SIGNER, namespace=namespace, name=name)


def _paragraph(text: str) -> Iterator[str]:
    yield from (*textwrap.wrap(text, _WIDTH), "")
