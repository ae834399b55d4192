"""Papers that were drawn up are there and unchanged, or `journal verify` names them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from journal.documents.kept_papers import KeptPaper, PaperKind, keep_paper
from journal.opening import opened_journal
from journal.recovering import keep_copy
from journal.trust.verdict import Broken, Trouble
from journal.trust.verifying import verify_journal
from settings.model import Paths, School, Settings
from storage.evidence import Kind

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(school=School(name="School No. 7"), paths=Paths(tmp_path))


@pytest.fixture
async def paper(settings: Settings) -> KeptPaper:
    async with opened_journal(settings) as journal:
        return await keep_paper(
            journal, settings, PaperKind.ACT, lambda *given: f"%PDF {given}".encode(), ["kk", "ru"], at=AT, by="aigul"
        )


async def test_papers_that_are_as_they_were_are_whole(settings: Settings, paper: KeptPaper) -> None:
    (settings.paths.papers / "2026" / "notes of the director.pdf").write_bytes(b"of no record")
    verdict = await verify_journal(settings)
    assert verdict.broken == ()
    assert len(paper.files) == 2


@pytest.mark.parametrize("what", ["missing", "changed", "folder"])
async def test_each_paper_that_is_not_is_named(settings: Settings, paper: KeptPaper, what: str) -> None:
    expected = Trouble.MISSING
    for path in paper.files:
        octets = path.read_bytes()
        path.unlink()
        if what == "changed":
            expected = Trouble.CHANGED
            path.write_bytes(octets.replace(b"PDF", b"PdF"))
        elif what == "folder":
            path.mkdir()
    assert (await verify_journal(settings)).broken == tuple(
        Broken(expected, paper.record, f"papers/2026/{path.name}") for path in paper.files
    )
    assert (await keep_copy(settings)).is_sound, "a lost paper is no reason to keep no copy of the journal"


async def test_all_papers_gone_are_all_named(settings: Settings, paper: KeptPaper) -> None:
    settings.paths.papers.rename(settings.paths.state / "away")
    assert [each.trouble for each in (await verify_journal(settings)).broken] == [Trouble.MISSING] * len(paper.files)


@pytest.mark.parametrize("files", [None, "x", 7, [7], [{"file": 7}], [[]]])
async def test_a_record_that_names_no_files_keeps_nobody_from_verifying(settings: Settings, files: object) -> None:
    async with opened_journal(settings) as journal, journal.changing(AT) as change:
        await change.add(Kind.PAPER, {"paper": "act", "files": files})
    (broken,) = (await verify_journal(settings)).broken
    assert (broken.trouble, broken.number) == (Trouble.MISSING if files == [{"file": 7}] else Trouble.FORM, 2)
