"""Check an export of schoolfilter: that nothing in it was changed, left out or added since the school signed it.

Run it in the folder into which the zip was unpacked:

    python3 check.py

It needs Python 3.8 or newer and nothing else; the signatures are checked by ssh-keygen (OpenSSH 8.2 or newer), if that
is installed. Exit status: 0 all is right, 1 something is wrong, 2 the signatures could not be checked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable  # noqa: UP035 - Python 3.8

SUMS = "SHA256SUMS"
SIGNER = "school"
EXPORT = "schoolfilter-export-v1"
HEAD = "schoolfilter-journal-head-v1"
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What file managers leave in folders that somebody looked into."""
CONTENT = ("at", "kind", "by", "body", "seal")
SIGNERS = re.compile(f'{SIGNER} namespaces="{EXPORT},{HEAD}" ssh-ed25519 ([A-Za-z0-9+/]+=*)\n')
SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*)")


class Wrong(Exception):  # noqa: N818 - reads as what it is
    """Something in the export is not as it was."""


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check_sums(folder: Path) -> int:
    """Compare every file with SHA256SUMS; no file may lack and none may be there besides."""
    sums: dict[str, str] = {}
    *lines, rest = (folder / SUMS).read_bytes().decode("ascii").split("\n")
    if rest:
        raise Wrong("SHA256SUMS: the last line is cut off")
    for line in lines:
        match = SUM.fullmatch(line)
        if match is None or match[2] in sums:
            raise Wrong("SHA256SUMS: a line that was not written by the program: " + repr(line[:100]))
        sums[match[2]] = match[1]
    present = [path for path in folder.rglob("*") if path.is_file() and path.name not in LITTER]
    found = {path.relative_to(folder).as_posix() for path in present} - {SUMS}
    for name in sorted(sums.keys() - found):
        raise Wrong(name + ": is missing")
    for name in sorted(found - sums.keys()):
        raise Wrong(name + ": is no part of the export")
    for name, digest in sums.items():
        if digest_of_file(folder / name) != digest:
            raise Wrong(name + ": was changed")
    return len(sums)


def check_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """Compare the files that the manifest names with it; return what it says."""
    octets = (folder / "manifest.json").read_bytes()
    manifest = json.loads(octets.decode("utf-8"))
    for file in manifest["files"]:
        path = folder / file["name"]
        if not path.is_file() or path.stat().st_size != file["bytes"] or digest_of_file(path) != file["sha256"]:
            raise Wrong(file["name"] + ": is not the file that manifest.json names")
    named = {file["name"] for file in manifest["files"]}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name.startswith("data/") and name not in named:
            raise Wrong(name + ": manifest.json does not name it")
    return manifest, hashlib.sha256(octets).hexdigest()


def head_of(folder: Path) -> tuple[int, str]:
    """Return number and link of the signed head."""
    text = (folder / "chain" / "head.txt").read_bytes().decode("ascii")
    match = re.fullmatch(r"schoolfilter-journal-head:1\nrecord ([0-9]+)\nlink ([0-9a-f]{64})\nat (\S+)\n", text)
    if match is None:
        raise Wrong("chain/head.txt: was not written by the program")
    return int(match[1]), match[2]


def check_proof(folder: Path, head: tuple[int, str]) -> dict[int, dict[str, str]]:
    """Follow the chain to the head; return the records that it shows, by number."""
    number, link = 0, ""
    shown: dict[int, dict[str, str]] = {}
    with (folder / "chain" / "proof.jsonl").open(encoding="ascii") as lines:
        for at, line in enumerate(lines, 1):
            says = json.loads(line)
            if at == 1:
                number, link = says["number"] - 1, says["before"]
            number += 1
            if says["number"] != number:
                raise Wrong(f"chain/proof.jsonl, line {at}: expected record {number}")
            digest = says.get("digest")
            if digest is None:
                content = json.dumps(
                    [number] + [says[key] for key in CONTENT], ensure_ascii=False, separators=(",", ":")
                )
                digest = hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()
                shown[number] = says
            link = hashlib.sha256((link + digest + "\n").encode("ascii")).hexdigest()
    if (number, link) != head:
        raise Wrong("chain/proof.jsonl: does not lead to the head in chain/head.txt")
    return shown


def check_record(manifest_digest: str, shown: dict[int, dict[str, str]]) -> int:
    """Find the record of this export: it holds the digest of the manifest."""
    for number, says in shown.items():
        if says["kind"] == "export" and json.loads(says["body"]).get("manifest") == manifest_digest:
            return number
    raise Wrong("manifest.json: no record in the chain speaks of it")


def bodies(shown: dict[int, dict[str, str]], kind: str) -> list[dict[str, Any]]:
    """Return what the records of a kind say, in the order of the chain."""
    return [json.loads(says["body"]) for says in shown.values() if says["kind"] == kind]


def check_signature(folder: Path, name: str, namespace: str) -> None:
    """Let ssh-keygen judge a signature."""
    command = ["ssh-keygen", "-Y", "verify", "-f", str(folder / "allowed_signers"), "-I", SIGNER, "-n", namespace]
    with (folder / name).open("rb") as message:
        result = subprocess.run(  # noqa: S603 - a constant and paths
            [*command, "-s", str(folder / (name + ".sig"))],
            stdin=message,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if result.returncode != 0:
        raise Wrong(name + ".sig: ssh-keygen says: " + result.stdout.decode("utf-8", "replace").strip())


def fingerprint(folder: Path) -> str:
    """Return the fingerprint of the key, as ssh-keygen shows it."""
    match = SIGNERS.fullmatch((folder / "allowed_signers").read_bytes().decode("ascii"))
    if match is None:
        raise Wrong("allowed_signers: expected one key and nothing else")
    digest = hashlib.sha256(base64.b64decode(match[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def check(folder: Path, say: Callable[[str], None]) -> int:
    """Check all; return the exit status."""
    say(f"right: {check_sums(folder)} files are as SHA256SUMS says")
    manifest, digest = check_manifest(folder)
    say(f"right: manifest.json names {len(manifest['files'])} files; rows of data: {manifest['rows']}")
    head = head_of(folder)
    shown = check_proof(folder, head)
    say(f"right: {len(shown)} records of the journal are shown, and lead to the head")
    say(f"right: this export is record {check_record(digest, shown)} of the journal")
    days = {body["date"]: body["queries"] for body in bodies(shown, "day")}
    if days:
        total = sum(days.values())
        say(f"The journal counted {total} queries on the days that it shows ({len(days)}). If the export has no")
        say("filters, and nothing was erased or left out of the archive since, its rows are as many.")
    for each in manifest.get("altered", []):
        say(f"NOT AS IT WAS: {each['segment']} of the query log was changed, cut off or removed after it had been")
        say(f"taken in, as record {each['record']} of the journal says. What the export has of it is what was left.")
    key, status = fingerprint(folder), 0
    if shutil.which("ssh-keygen"):
        check_signature(folder, "manifest.json", EXPORT)
        check_signature(folder, "chain/head.txt", HEAD)
        say("right: both signatures are by the key in allowed_signers")
    else:
        say("NOT CHECKED: the two signatures, because there is no ssh-keygen here. README.txt says how to check them.")
        status = 2
    say("")
    say("Compare with the school's papers, or with what you wrote down at the school's machine:")
    say("  the key of the machine  " + key)
    say(f"  the head of the journal {head[0]}:{head[1][:16]}")
    return status


def main() -> int:
    """Check the folder in which this file lies."""
    folder = Path(__file__).resolve().parent

    def say(text: str) -> None:
        # A console of Windows may lack letters that the name of a file has.
        sys.stdout.write(text.encode("ascii", "backslashreplace").decode("ascii") + "\n")

    try:
        return check(folder, say)
    except Wrong as error:
        say("WRONG: " + str(error))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        say(f"WRONG: cannot be read as an export: {type(error).__name__}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
