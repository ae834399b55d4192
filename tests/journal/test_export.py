"""An export as somebody gets it: stock programs check it, and whatever is changed in it is found."""

import ast
import io
import json
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from journal.exporting.export import Exported, records_of
from journal.exporting.export_data import Format
from journal.opening import opened_journal
from journal.trust.device_key import device_fingerprint, device_key
from journal.trust.heads import is_signed, written
from journal.trust.proof import check_proof
from storage.evidence import Kind, text
from tests.journal.exports import made, settings_of, unpacked

VERIFY = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", "school", "-n"]


async def an_export(folder: Path, form: Format = Format.CSV) -> tuple[Path, Exported]:
    octets, exported = await made(folder, form)
    return unpacked(octets, folder / "out"), exported


def told(folder: Path, *command: str, stdin: Path | None = None) -> str:
    """Run a program that has to say yes; return what it says."""
    with (stdin or Path("/dev/null")).open("rb") as message:
        return subprocess.check_output(command, stdin=message, cwd=folder, text=True)


def sums_agree(folder: Path) -> bool:
    """Return what sha256sum says."""
    command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def check(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run check.py as an inspector does: a bare Python that knows nothing of this program."""
    interpreter = shutil.which("python3", path="/usr/bin") or sys.executable
    return subprocess.run(
        [interpreter, "-I", "check.py"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.XLSX])
async def test_stock_programs_say_that_it_is_whole(tmp_path: Path, form: Format) -> None:
    out, exported = await an_export(tmp_path, form)
    fingerprint = device_fingerprint(device_key(settings_of(tmp_path).paths.device_key))
    for name, namespace in (
        ("manifest.json", "schoolfilter-export-v1"),
        ("chain/head.txt", "schoolfilter-journal-head-v1"),
    ):
        said = told(out, *VERIFY, namespace, "-s", f"{name}.sig", stdin=out / name)
        assert said == f'Good "{namespace}" signature for school with ED25519 key {fingerprint}\n'
    summed = told(out, "sha256sum", "--strict", "-c", "SHA256SUMS")
    assert summed.count(": OK") == len([path for path in out.rglob("*") if path.is_file()]) - 1
    checked = check(out)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert fingerprint in checked.stdout
    assert written(exported.head) in checked.stdout


async def test_the_commands_of_the_readme_are_those_that_work(tmp_path: Path) -> None:
    out, _exported = await an_export(tmp_path)
    readme = (out / "README.txt").read_bytes().decode("utf-8-sig")
    commands = {each.strip() for each in re.findall(r"^ {4}((?:ssh-keygen|sha256sum).*)\r$", readme, re.MULTILINE)}
    assert len(commands) == 3
    for command in commands:
        told(out, "bash", "-c", command)
    assert readme.count("№ 5 «Мектеп»") == 4, "four languages"
    assert "data\\querylog.csv" in readme


async def test_the_manifest_says_what_it_is_and_the_chain_says_so_too(tmp_path: Path) -> None:
    out, exported = await an_export(tmp_path)
    octets = (out / "manifest.json").read_bytes()
    manifest = json.loads(octets)
    assert exported.manifest == sha256(octets).hexdigest()
    assert {key: manifest[key] for key in ("what", "from", "to", "filters", "reason", "by", "rows", "school")} == {
        "what": "log", "from": "2026-09-01", "to": "2026-09-30", "filters": {"--device": "lab-07"},
        "reason": "проверка", "by": "teacher", "rows": 2, "school": "№ 5 «Мектеп»",
    }  # fmt: skip
    async with opened_journal(settings_of(tmp_path)) as journal:
        record = await journal.record(exported.record, private=True)
        heads = await journal.heads()
        access = await journal.record(manifest["access"])
    assert access is not None
    assert access.kind is Kind.ACCESS
    assert record is not None
    assert record.kind is Kind.EXPORT
    assert text(record.body, "manifest") == exported.manifest
    assert "lab-07" not in str(record.body), "whom it is about is sealed"
    assert record.private == {"filters": {"--device": "lab-07"}}
    assert (heads[-1].number, heads[-1].link) == exported.head
    assert is_signed(heads[-1])


async def test_the_proof_leads_from_the_records_of_the_period_to_the_head_and_not_beyond(tmp_path: Path) -> None:
    async with (
        opened_journal(settings_of(tmp_path)) as journal,
        journal.changing(datetime(2026, 10, 1, tzinfo=UTC)) as change,
    ):
        day = await change.add(Kind.DAY, {"date": "2026-09-02", "queries": 2})
        await change.add(Kind.REVIEW, {"text": "nobody else's business"}, by="teacher")
    octets, exported = await made(tmp_path, numbers=[day])
    out = unpacked(octets, tmp_path / "out")
    lines = (out / "chain" / "proof.jsonl").read_text().splitlines()
    proven = check_proof(lines, exported.head)
    access = exported.record - 2
    assert [each.number for each in proven.shown] == [day, access, exported.record]
    assert "business" not in "".join(lines)
    assert "The journal counted 2 queries on the days that it shows (1)" in check(out).stdout


async def test_records_about_the_days_are_found_and_no_others(tmp_path: Path) -> None:
    def segment(first: str, last: str) -> dict[str, object]:
        return {"name": "x", "first": first, "last": last}

    records: list[tuple[Kind, dict[str, object], bool]] = [
        (Kind.SEGMENT, segment("2026-09-01T22:00:00.000+05:00", "2026-09-02T00:00:01.000+05:00"), True),
        (Kind.SEGMENT, segment("2026-09-01T21:00:00.000+05:00", "2026-09-01T22:00:00.000+05:00"), False),
        (Kind.SEGMENT, segment("2026-09-05T00:00:00.000+05:00", "2026-09-05T01:00:00.000+05:00"), False),
        (Kind.SEGMENT, segment("", ""), False),
        (Kind.ARCHIVE, {"file": "date=2026-09-04/0001.parquet"}, True),
        (Kind.REWRITTEN, {"file": "date=2026-09-02/0001.parquet"}, True),
        (Kind.REWRITTEN, {"file": "date=2026-09-06/0001.parquet"}, False),
        (Kind.DAY, {"date": "2026-09-03"}, True),
        (Kind.DAY, {"date": "2026-09-01"}, False),
        (Kind.INCIDENT, {"id": "2026-09-0001"}, False),
    ]
    wanted = []
    async with opened_journal(settings_of(tmp_path)) as journal:
        async with journal.changing(datetime(2026, 10, 1, tzinfo=UTC)) as change:
            for kind, body, is_wanted in records:
                number = await change.add(kind, body)
                wanted += [number] if is_wanted else []
        assert await records_of(journal, "2026-09-02", "2026-09-04") == wanted


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_whatever_octet_is_changed_is_found(tmp_path: Path) -> None:
    """The first, the last and one in between of each file: by check.py, and by sha256sum."""
    out, _exported = await an_export(tmp_path)
    missed = []
    for path in files_of(out):
        whole = path.read_bytes()
        for at in sorted({0, len(whole) // 3, len(whole) - 1}):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            own = path.name == "check.py" or check(out).returncode == 1
            if not own or (sums_agree(out) and path.name != "SHA256SUMS"):
                missed.append((path.name, at))
        path.write_bytes(whole)
    assert missed == []
    assert check(out).returncode == 0


async def test_what_is_missing_or_put_in_is_found(tmp_path: Path) -> None:
    out, _exported = await an_export(tmp_path)
    for path in files_of(out):
        if path.name == "check.py":
            continue
        kept = path.read_bytes()
        path.unlink()
        assert check(out).returncode == 1, path
        path.write_bytes(kept)
    (out / "data" / "more.csv").write_text("name\n")
    assert "data/more.csv: is no part of the export" in check(out).stdout
    (out / "data" / "more.csv").rename(out / "тағы.csv")
    assert ".csv: is no part of the export" in check(out, PYTHONIOENCODING="cp1251").stdout


async def test_what_file_managers_leave_behind_is_no_alarm(tmp_path: Path) -> None:
    out, _exported = await an_export(tmp_path)
    (out / ".DS_Store").write_bytes(b"litter")
    assert check(out).returncode == 0


def sums_again(out: Path) -> None:
    """Write SHA256SUMS anew, as a forger would."""
    names = [path.relative_to(out).as_posix() for path in files_of(out) if path.name != "SHA256SUMS"]
    lines = [f"{sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (out / "SHA256SUMS").write_text("".join(lines))


def manifest_again(out: Path) -> None:
    """Write the digests of the manifest anew, and the sums."""
    path = out / "manifest.json"
    manifest = json.loads(path.read_text())
    for file in manifest["files"]:
        octets = (out / file["name"]).read_bytes()
        file.update(sha256=sha256(octets).hexdigest(), bytes=len(octets))
    path.write_text(json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")
    sums_again(out)


def forge(out: Path) -> None:
    """Write another name into the data."""
    data = out / "data" / "querylog.csv"
    data.write_bytes(data.read_bytes().replace(b"www.example.org", b"www.example.net"))


async def test_a_forger_who_writes_the_digests_anew_is_found(tmp_path: Path) -> None:
    out, _exported = await an_export(tmp_path)
    forge(out)
    sums_again(out)
    assert "data/querylog.csv: is not the file that manifest.json names" in check(out).stdout
    manifest_again(out)
    assert "manifest.json: no record in the chain speaks of it" in check(out).stdout


async def test_a_forger_who_writes_the_record_anew_is_found(tmp_path: Path) -> None:
    out, exported = await an_export(tmp_path)
    forge(out)
    manifest_again(out)
    digest = sha256((out / "manifest.json").read_bytes()).hexdigest()
    proof = out / "chain" / "proof.jsonl"
    proof.write_text(proof.read_text().replace(exported.manifest, digest))
    sums_again(out)
    assert "does not lead to the head" in check(out).stdout


async def test_a_record_cannot_hide_behind_the_digest_of_another(tmp_path: Path) -> None:
    """A line with a digest and a content beside it: the digest counts, and the content is not believed."""
    out, exported = await an_export(tmp_path)
    forge(out)
    manifest_again(out)
    digest = sha256((out / "manifest.json").read_bytes()).hexdigest()
    proof = out / "chain" / "proof.jsonl"
    *lines, last = proof.read_text().splitlines()
    said = json.loads(last)
    content = [said[key] for key in ("number", "at", "kind", "by", "body", "seal")]
    own = sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    forged = {**said, "digest": own, "body": said["body"].replace(exported.manifest, digest)}
    proof.write_text("\n".join([*lines, json.dumps(forged)]) + "\n")
    sums_again(out)
    assert "no record in the chain speaks of it" in check(out).stdout


async def test_a_second_key_beside_the_schools_is_found(tmp_path: Path) -> None:
    """Else a forger's signature would pass, with the school's fingerprint shown."""
    out, _exported = await an_export(tmp_path)
    signers = out / "allowed_signers"
    signers.write_text(signers.read_text() + signers.read_text().replace("AAAAI", "AAAAJ"))
    manifest_again(out)
    assert check(out).returncode == 1


async def test_an_export_by_another_key_shows_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    out, _exported = await an_export(tmp_path / "other")
    mine = device_fingerprint(device_key(tmp_path / "device.key", make=True))
    said = check(out).stdout
    assert mine not in said
    assert "SHA256:" in said


async def test_without_ssh_keygen_the_check_says_that_signatures_were_not_checked(tmp_path: Path) -> None:
    out, _exported = await an_export(tmp_path)
    checked = check(out, PATH="/nonexistent")
    assert checked.returncode == 2
    assert "NOT CHECKED" in checked.stdout


async def test_the_check_needs_no_python_newer_than_3_8(tmp_path: Path) -> None:
    out, _exported = await an_export(tmp_path)
    tree = ast.parse((out / "check.py").read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


async def test_files_in_the_zip_are_for_their_owner(tmp_path: Path) -> None:
    octets, _exported = await made(tmp_path)
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert {stat.S_IMODE(entry.external_attr >> 16) for entry in archive.infolist()} == {0o600}
        assert len(archive.namelist()) == len(set(archive.namelist())) == 10
