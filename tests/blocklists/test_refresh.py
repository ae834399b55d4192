"""Adding, removing and refreshing lists: what fails leaves what was."""

import gzip
import hashlib
import json
import os
import ssl
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blocklists import refresh as refreshing
from blocklists.disk import Disk
from blocklists.errors import FetchError, ListError, RefusedText
from blocklists.fetch import FetchRules, Marks
from blocklists.index import open_current
from blocklists.publish import rebuild
from blocklists.refresh import Changes, Outcome, Result, add, change, chosen, refresh, remove
from blocklists.rules import Format
from blocklists.sources import (
    SOURCES,
    TEXTS,
    Source,
    check_category,
    check_id,
    find_source,
    load_sources,
    save_sources,
    text_path,
)
from tests.blocklists.https_server import loopback_rules, make_certificate, respond, serving
from tests.blocklists.lists_folder import NOW, put
from tests.blocklists.power import FailingDisk, PowerCut
from tests.blocklists.test_signature import public_line, signed
from tests.blocklists.test_unpack import tar, written

RULES = FetchRules()
LATER = NOW + timedelta(days=1)


def source(location: Path | str, list_id: str = "one", category: str = "games", **fields: Any) -> Source:
    return Source(list_id, list_id, category, str(location), **fields)


def again(folder: Path, list_id: str = "one", **options: Any) -> Outcome:
    return refresh(folder, find_source(load_sources(folder), list_id), RULES, LATER, **options)


def hundred(prefix: str = "n") -> str:
    return "".join(f"{prefix}{number}.example.org\n" for number in range(100))


def test_a_file_is_added_with_what_it_holds(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_bytes(gzip.compress(b"0.0.0.0 example.org\nnonsense\n", mtime=0))
    added = add(tmp_path / "lists", source(text), RULES, NOW)
    assert (added.rules, added.skipped, added.format, added.last_error) == (1, 1, None, "")
    assert added.last_refresh == "2026-09-02T08:30:00+00:00"
    assert load_sources(tmp_path / "lists") == (added,)
    assert text_path(tmp_path / "lists", "one").read_text() == "0.0.0.0 example.org\nnonsense\n"


CATEGORY = {"games/domains": b"example.org\n", "games/urls": b"||b.example.org^\n" * 2}
"""Its URLs look like rules of AdBlock."""


def test_a_category_is_a_list_of_names_whatever_its_urls_look_like(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(tar(CATEGORY, "gz"))
    written(tmp_path / "folder", CATEGORY)
    for list_id in ("packed", "folder"):
        added = add(tmp_path / "lists", source(tmp_path / list_id, list_id), RULES, NOW)
        assert (added.format, added.rules) == (Format.DOMAINS, 1)
        assert again(tmp_path / "lists", list_id).source.format is Format.DOMAINS


def test_a_category_from_the_net_is_a_list_of_names_unless_the_operator_knows_better(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "both.pem")
    packed = tar(CATEGORY, "gz")
    with serving(certificate, respond("200 OK", f"Content-Length: {len(packed)}", body=packed)) as server:
        for form, expected in ((None, Format.DOMAINS), (Format.ADBLOCK, Format.ADBLOCK)):
            wanted = source(server.url(), expected, format=form)
            assert add(tmp_path / "lists", wanted, loopback_rules(certificate), NOW).format is expected


def test_a_relative_file_is_kept_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("example.org\n")
    monkeypatch.chdir(tmp_path)
    assert add(tmp_path / "lists", source("mine.txt"), RULES, NOW).location == str(tmp_path / "mine.txt")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (source("/nowhere/x.txt"), "found nothing"),
        (source("http://example.org/x"), "https://"),
        (source("file:///etc/hosts"), "https://"),
        (source("starter:gamez"), "did you mean 'starter:games'"),
        (source("service:tiktokk"), "did you mean 'service:tiktok'"),
        (source("/nowhere", checksum="http://example.org/x"), "https://"),
        (source("/nowhere", minisign="nonsense"), "minisign public key"),
        (source("/nowhere", category="gamez"), "did you mean 'games'"),
        (source("/nowhere", category="zzzzzz"), "there are: terrorism"),
        (source("/nowhere", list_id="../up"), "small letters"),
        (source("/nowhere", list_id="Ünï"), "small letters"),
        (source("/nowhere", list_id="a" * 64), "small letters"),
        (source("/nowhere", list_id=""), "small letters"),
    ],
)
def test_what_cannot_be_had_is_not_added(tmp_path: Path, wanted: Source, expected: str) -> None:
    with pytest.raises(ListError, match=expected):
        add(tmp_path, wanted, RULES, NOW)
    assert load_sources(tmp_path) == ()
    assert not list(tmp_path.glob(f"{TEXTS}/*"))
    assert not list(tmp_path.glob(f"{TEXTS}/.*"))


def test_an_id_is_given_once(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    with pytest.raises(ListError, match="already"):
        add(tmp_path, source("/nowhere"), RULES, NOW)


def test_refresh_says_what_happened(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    assert again(folder).result is Result.UNCHANGED
    assert load_sources(folder)[0].last_refresh == LATER.isoformat(timespec="seconds")
    text.write_text("example.org\nexample.net\n")
    assert again(folder).result is Result.CHANGED
    assert load_sources(folder)[0].rules == 2


@pytest.mark.parametrize("bad", ["", "# only comments\n", "<html>", "n1.example.org\n" * 49, None])
def test_p0_a_bad_update_keeps_the_last_good_list(tmp_path: Path, bad: str | None) -> None:
    text = tmp_path / "mine.txt"
    text.write_text(hundred())
    folder = tmp_path / "lists"
    good = add(folder, source(text), RULES, NOW)
    text.unlink() if bad is None else text.write_text(bad)
    outcome = again(folder)
    assert outcome.result is Result.FAILED
    (kept,) = load_sources(folder)
    assert (kept.rules, kept.sha256, kept.last_refresh) == (100, good.sha256, good.last_refresh)
    assert "expected" in kept.last_error
    assert text_path(folder, "one").read_text() == hundred()
    text.write_text(hundred("m"))
    assert again(folder).result is Result.CHANGED
    assert load_sources(folder)[0].last_error == ""


NO_MARKS = Marks()


class Web:
    """Serves one text with an ETag, and remembers by what it was asked."""

    def __init__(self, text: bytes, etag: str = '"v1"') -> None:
        self.files = {URL: (text, etag)}
        self.asked: list[tuple[str, str, bool]] = []

    def fetch(
        self, url: str, target: Path, _rules: FetchRules, marks: Marks = NO_MARKS, *, exact: bool = False, **_more: Any
    ) -> Marks | None:
        self.asked.append((url, marks.etag, exact))
        text, etag = self.files[url]
        if etag and marks.etag == etag:
            return None
        target.write_bytes(text)
        return Marks(etag, "monday")


URL = "https://example.org/list.txt"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    served = Web(b"example.org\n")
    monkeypatch.setattr(refreshing, "fetch", served.fetch)
    return served


def test_an_unchanged_web_list_is_not_fetched_twice_and_a_lost_text_is(tmp_path: Path, web: Web) -> None:
    add(tmp_path, source(URL), RULES, NOW)
    assert again(tmp_path).result is Result.UNCHANGED
    text_path(tmp_path, "one").unlink()
    again(tmp_path)
    assert again(tmp_path, force=True).result is Result.UNCHANGED
    assert web.asked == [(URL, "", False), (URL, '"v1"', False), (URL, "", False), (URL, "", False)]
    assert text_path(tmp_path, "one").read_text() == "example.org\n"


def reject(folder: Path) -> str:
    """Refuse the text that a list has now, as a rollback does, and go back to another one."""
    (had,) = load_sources(folder)
    put_back = replace(had, rejected=had.sha256, sha256="0" * 64)
    save_sources(folder, [put_back])
    text_path(folder, "one").write_text("old.example.org\n")
    return had.sha256


def test_a_rejected_text_is_not_taken_again_until_it_is_forced(tmp_path: Path, web: Web) -> None:
    add(tmp_path, source(URL), RULES, NOW)
    rejected = reject(tmp_path)
    for etag in ('"v1"', '"v2"', '"v2"'):  # not changed; the same text by another mark; not changed
        web.files[URL] = (b"example.org\n", etag)
        outcome = again(tmp_path)
        assert (outcome.result, outcome.source.rejected) == (Result.UNCHANGED, rejected)
        assert "rolled back" in outcome.words
        assert "--force" in load_sources(tmp_path)[0].last_error
        assert text_path(tmp_path, "one").read_text() == "old.example.org\n"
    assert [etag for _url, etag, _exact in web.asked] == ["", '"v1"', '"v1"', '"v2"']
    outcome = again(tmp_path, force=True)
    assert (outcome.result, outcome.source.rejected, outcome.source.last_error) == (Result.CHANGED, "", "")
    assert text_path(tmp_path, "one").read_text() == "example.org\n"


def test_a_newer_text_than_the_rejected_one_is_taken(tmp_path: Path, web: Web) -> None:
    add(tmp_path, source(URL), RULES, NOW)
    reject(tmp_path)
    web.files[URL] = (b"newer.example.org\n", '"v3"')
    assert again(tmp_path).result is Result.CHANGED
    assert load_sources(tmp_path)[0].rejected == ""


def test_a_file_that_is_rejected_is_not_taken_again(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    reject(folder)
    assert "rolled back" in again(folder).words
    assert text_path(folder, "one").read_text() == "old.example.org\n"


def test_what_is_changed_while_a_list_is_fetched_stays_changed(tmp_path: Path, web: Web) -> None:
    add(tmp_path, source(URL), RULES, NOW)
    (before,) = load_sources(tmp_path)
    change(tmp_path, "one", shadow=True, title="Ours")
    web.files[URL] = (b"newer.example.org\n", '"v2"')
    after = refresh(tmp_path, before, RULES, LATER).source
    assert (after.shadow, after.title, after.etag) == (True, "Ours", '"v2"')
    assert load_sources(tmp_path) == (after,)
    web.files[URL] = (b"<html>", '"v3"')
    assert refresh(tmp_path, before, RULES, LATER).source.shadow


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("%%%\n" * 30 + hundred(), "one:1: expected"),
        ("".join(hundred(f"x{number}.") for number in range(1102)), "expected about 100 rules"),
        ("a.example.org\n", "expected about 100 rules"),
    ],
    ids=["bad-lines", "grown", "shrunken"],
)
def test_a_doubtful_update_is_refused_until_it_is_forced(tmp_path: Path, bad: str, expected: str) -> None:
    text = tmp_path / "mine.txt"
    text.write_text(hundred())
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    text.write_text(bad)
    outcome = again(folder)
    assert outcome.result is Result.FAILED
    assert expected in outcome.words == outcome.source.last_error
    assert text_path(folder, "one").read_text() == hundred()
    assert again(folder, force=True).result is Result.CHANGED
    assert text_path(folder, "one").read_text() == bad


@pytest.mark.parametrize("bad", [b"<html>", b"", b"\x89PNG\0", b"# nothing\n"], ids=["html", "empty", "binary", "none"])
def test_force_never_takes_what_is_no_list(tmp_path: Path, bad: bytes) -> None:
    text = tmp_path / "mine.txt"
    text.write_text(hundred())
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    text.write_bytes(bad)
    assert again(folder, force=True).result is Result.FAILED
    assert text_path(folder, "one").read_text() == hundred()


def test_the_share_of_bad_lines_is_a_setting(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text(hundred() + "%%%\n" * 10)
    with pytest.raises(RefusedText, match="at most 5 %"):
        add(tmp_path / "lists", source(text), RULES, NOW, bad_percent=5)
    assert add(tmp_path / "lists", source(text), RULES, NOW, bad_percent=10).skipped == 10


def test_a_category_of_an_archive_is_added_by_its_name(tmp_path: Path) -> None:
    published = tmp_path / "blacklists"
    for name, text in (("games", "play.example.org\n"), ("gambling", "bet.example.org\n")):
        (published / name).mkdir(parents=True)
        (published / name / "domains").write_text(text)
        (published / name / "urls").write_text("example.org/path\n")
    folder = tmp_path / "lists"
    added = add(folder, source(published, member="gambling"), RULES, NOW)
    assert (added.rules, added.skipped, added.unused) == (1, 0, 1)
    assert text_path(folder, "one").read_text() == "bet.example.org\nexample.org/path\n"
    with pytest.raises(RefusedText, match="There are: gambling, games"):
        add(folder, source(published, "two"), RULES, NOW)


def test_a_web_list_is_held_against_its_checksum_as_it_was_sent(tmp_path: Path, web: Web) -> None:
    packed = gzip.compress(b"example.org\n", mtime=0)
    sums = "https://example.org/SHA256SUMS"
    web.files = {
        "https://example.org/a/list%20one.gz": (packed, '"v1"'),
        sums: (f"{hashlib.sha256(packed).hexdigest()}  list one.gz\n".encode(), ""),
    }
    wanted = source("https://example.org/a/list%20one.gz", checksum=sums)
    add(tmp_path, wanted, RULES, NOW)
    assert [exact for _url, _etag, exact in web.asked] == [True, True]
    assert text_path(tmp_path, "one").read_text() == "example.org\n"
    web.files[wanted.location] = (gzip.compress(b"forged.example.org\n", mtime=0), '"v2"')
    outcome = again(tmp_path, force=True)
    assert outcome.result is Result.FAILED
    assert "sha256 checksum" in outcome.words
    assert text_path(tmp_path, "one").read_text() == "example.org\n"
    assert [path.name for path in (tmp_path / TEXTS).iterdir()] == ["one.txt"]


def test_an_archive_from_the_web_is_continued_checked_and_unpacked(tmp_path: Path) -> None:
    """With a real server: the first attempt is cut off, the next one goes on and takes one category of the archive."""
    certificate = make_certificate(tmp_path / "both.pem")
    packed = tar({"bl/gambling/domains": hundred().encode(), "bl/games/domains": b"play.example.org\n"}, "gz")
    sums = f"{hashlib.md5(packed, usedforsecurity=False).hexdigest()}  lists.tar.gz\n"
    half = len(packed) // 2
    whole = (f"Content-Length: {len(packed)}", 'ETag: "v1"')
    rest = (f"Content-Range: bytes {half}-{len(packed) - 1}/{len(packed)}", f"Content-Length: {len(packed) - half}")

    def answer(request: str, tls: ssl.SSLSocket) -> None:
        if "MD5SUM.LST" in request:
            respond("200 OK", body=sums.encode())(request, tls)
        elif f"Range: bytes={half}-" in request:
            respond("206 Partial Content", *rest, body=packed[half:])(request, tls)
        else:
            respond("200 OK", *whole, body=packed[:half])(request, tls)

    folder = tmp_path / "lists"
    with serving(certificate, answer) as server:
        rules = loopback_rules(certificate, tries=1)
        wanted = source(server.url("/lists.tar.gz"), member="gambling", checksum=server.url("/MD5SUM.LST"))
        with pytest.raises(FetchError, match="cut off"):
            add(folder, wanted, rules, NOW)
        assert load_sources(folder) == ()
        seen: list[int] = []
        added = add(folder, wanted, rules, NOW, progress=lambda done, _total: seen.append(done))
    assert (added.rules, added.etag) == (100, '"v1"')
    assert seen[-1] == len(packed)
    assert text_path(folder, "one").read_text() == hundred()
    assert [path.name for path in (folder / TEXTS).iterdir()] == ["one.txt"]


@pytest.mark.parametrize("where", ["web", "file"])
def test_a_signed_list_is_taken_only_from_its_maker(tmp_path: Path, web: Web, where: str) -> None:
    folder, text, body = tmp_path / "lists", tmp_path / "list.txt", b"example.org\n"
    location = f"{URL}?raw=1" if where == "web" else str(text)

    def publish(body: bytes, signature: bytes) -> None:
        if where == "web":
            web.files = {location: (body, ""), f"{URL}.minisig?raw=1": (signature, "")}
        else:
            text.write_bytes(body)
            (tmp_path / "list.txt.minisig").write_bytes(signature)

    publish(body, signed(body))
    add(folder, source(location, minisign=public_line()), RULES, NOW)
    for forged, signature in ((b"forged.example.org\n", signed(body)), (body, signed(body, seed=2)), (b"", b"")):
        publish(forged, signature)
        assert again(folder, force=True).result is Result.FAILED
        assert text_path(folder, "one").read_bytes() == body
    publish(b"newer.example.org\n", signed(b"newer.example.org\n"))
    assert again(folder).result is Result.CHANGED


def test_a_folder_has_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "sums").write_text("")
    with pytest.raises(RefusedText, match="found the folder"):
        add(tmp_path / "lists", source(tmp_path, checksum=str(tmp_path / "sums")), RULES, NOW)


def test_an_empty_file_may_be_signed_and_is_no_list_still(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"")
    (tmp_path / "list.txt.minisig").write_bytes(signed(b""))
    with pytest.raises(RefusedText, match="it is empty"):
        add(tmp_path / "lists", source(tmp_path / "list.txt", minisign=public_line()), RULES, NOW)


def test_a_packaged_list_is_added_by_its_scheme(tmp_path: Path) -> None:
    added = add(tmp_path, source("service:tiktok", category="tiktok"), RULES, NOW)
    assert added.rules > 0
    assert "tiktok" in text_path(tmp_path, "one").read_text()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"shadow": True}, {"shadow": True}),
        ({"enabled": False, "title": "Ours"}, {"enabled": False, "title": "Ours"}),
        ({"suffixes": True}, {"suffixes": True}),
        ({"category": "tiktok"}, {"category": "tiktok"}),
        (
            {"accepted": ("b.example.org", "a.example.org", "b.example.org")},
            {"accepted": ("b.example.org", "a.example.org")},
        ),
        ({"subdomains": False}, {"subdomains": False, "rules": 2}),
        ({"format": Format.HOSTS}, {"format": Format.HOSTS, "rules": 1}),
    ],
    ids=lambda value: "-".join(value),
)
def test_settings_of_a_list_are_changed(tmp_path: Path, changes: Changes, expected: dict[str, object]) -> None:
    put(tmp_path, "one", "example.org\nexample.net\n0.0.0.0 a.example.org\n")
    put(tmp_path, "two", "example.org\n")
    before = load_sources(tmp_path)
    after = change(tmp_path, "one", **changes)
    assert {name: getattr(after, name) for name in expected} == expected
    assert load_sources(tmp_path) == (after, before[1])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"category": "gamez"}, "did you mean 'games'"), ({"format": Format.RPZ}, "found none")],
    ids=["category", "format"],
)
def test_a_change_that_would_do_harm_is_refused(tmp_path: Path, changes: Changes, expected: str) -> None:
    put(tmp_path, "one", "%%% nothing\nexample.org\n", form=Format.DOMAINS)
    before = load_sources(tmp_path)
    with pytest.raises(ListError, match=expected):
        change(tmp_path, "one", **changes)
    with pytest.raises(ListError, match="there is no list"):
        change(tmp_path, "zzz", shadow=True)
    assert load_sources(tmp_path) == before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("task", ["add", "refresh", "remove", "change", "fail"])
def test_p0_a_power_cut_at_any_step_leaves_lists_that_can_be_compiled(tmp_path: Path, task: str, after: bool) -> None:
    """Whatever was under way, each registered list has a whole text, old or new, and the task can be done again."""
    text = tmp_path / "mine.txt"
    texts = {"old.example.org\n", "new.example.org\n"}

    def work(folder: Path, disk: Disk) -> None:
        if task == "add":
            add(folder, source(text, "two"), RULES, NOW, disk=disk)
        elif task == "remove":
            remove(folder, "one", disk=disk)
        elif task == "change":
            change(folder, "one", shadow=True, disk=disk)
        else:
            again(folder, disk=disk)

    for steps in range(50):
        folder = tmp_path / f"cut-{steps}"
        text.write_text("old.example.org\n")
        add(folder, source(text), RULES, NOW)
        rebuild(folder, now=NOW)
        text.write_text("<html>" if task == "fail" else "new.example.org\n")
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            work(folder, disk)
        for each in load_sources(folder):
            assert text_path(folder, each.id).read_text() in texts
        assert open_current(folder).lookup("old.example.org")
        rebuild(folder, now=LATER)
        if disk.dead:
            with suppress(ListError):  # it was done but for the last step
                work(folder, Disk())
        done = {each.id: each for each in load_sources(folder)}
        assert set(done) == {"add": {"one", "two"}, "remove": set()}.get(task, {"one"})
        assert task != "change" or done["one"].shadow
        assert task != "refresh" or text_path(folder, "one").read_text() == "new.example.org\n"
        assert task != "fail" or "web page" in done["one"].last_error
        if not disk.dead:
            assert steps > 2
            return
    pytest.fail("the task takes more steps than expected")


def test_what_transfers_and_crashes_left_long_ago_is_removed(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    for name, age in ((".part-gone", 8), (".part-gone.state", 8), (".incoming-gone", 8), (".part-young", 6)):
        path = tmp_path / TEXTS / name
        path.write_text("x")
        os.utime(path, times=((NOW - timedelta(days=age)).timestamp(),) * 2)
    add(tmp_path, source(text, "two"), RULES, NOW)
    assert {path.name for path in (tmp_path / TEXTS).iterdir()} == {"one.txt", "two.txt", ".part-young"}


def test_remove_forgets_what_was_cut_off(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    (tmp_path / TEXTS / ".part-one").write_text("x")
    (tmp_path / TEXTS / ".part-one.state").write_text("{}")
    remove(tmp_path, "one")
    assert not list((tmp_path / TEXTS).iterdir())


def test_an_update_never_changes_a_text_that_a_generation_keeps(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    (folder / "kept").hardlink_to(text_path(folder, "one"))
    text.write_text("example.net\n")
    again(folder)
    assert (folder / "kept").read_text() == "example.org\n"


def test_lists_of_an_older_version_are_read(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    old = {"id": "one", "title": "one", "category": "games", "location": "/x", "format": "hosts", "rules": 1}
    (tmp_path / SOURCES).write_text(json.dumps({"format": 1, "lists": [old]}))
    assert load_sources(tmp_path) == (Source("one", "one", "games", "/x", Format.HOSTS, rules=1),)
    changed = change(tmp_path, "one", accepted=("example.org",))
    assert load_sources(tmp_path) == (changed,)
    assert isinstance(load_sources(tmp_path)[0].accepted, tuple)


def test_the_disk_being_full_keeps_the_last_good_list(tmp_path: Path) -> None:
    class Full(Disk):
        def move(self, old: Path, new: Path) -> None:
            if new.parent.name == TEXTS:
                raise OSError(28, "No space left on device")
            super().move(old, new)

    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    text.write_text("example.net\n")
    outcome = refresh(folder, load_sources(folder)[0], RULES, LATER, disk=Full())
    assert outcome.result is Result.FAILED
    assert "No space left" in load_sources(folder)[0].last_error
    assert text_path(folder, "one").read_text() == "example.org\n"


def test_a_list_that_is_removed_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    added = add(folder, source(text), RULES, NOW)
    remove(folder, "one")
    assert "removed" in refresh(folder, added, RULES, LATER).words
    text.unlink()
    assert refresh(folder, added, RULES, LATER).result is Result.FAILED
    assert load_sources(folder) == ()
    assert not text_path(folder, "one").exists()


def test_remove_forgets_the_list_and_its_text(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    put(tmp_path, "two", "example.org\n")
    remove(tmp_path, "one")
    assert [each.id for each in load_sources(tmp_path)] == ["two"]
    assert not text_path(tmp_path, "one").exists()
    with pytest.raises(ListError, match="did you mean 'two'"):
        remove(tmp_path, "twoo")
    with pytest.raises(ListError, match="lists show"):
        remove(tmp_path, "zzz")


def test_all_lists_are_chosen_or_those_named(tmp_path: Path) -> None:
    for list_id in ("one", "two", "three"):
        put(tmp_path, list_id, "example.org\n")
    assert [each.id for each in chosen(tmp_path, ())] == ["one", "two", "three"]
    assert [each.id for each in chosen(tmp_path, ("three", "one", "three"))] == ["three", "one"]


def test_a_forced_format_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n", form=Format.HOSTS)
    assert load_sources(tmp_path)[0].format is Format.HOSTS


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 2, "lists": []}', '{"format": 1, "lists": [{"id": 1}]}']
)
def test_a_damaged_register_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / SOURCES).write_text(text)
    with pytest.raises(ListError, match=SOURCES):
        load_sources(tmp_path)


def test_fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    path = tmp_path / SOURCES
    path.write_text(path.read_text().replace('"id"', '"from_the_future": 1, "id"'))
    assert load_sources(tmp_path)[0].id == "one"


def test_ids_and_categories(tmp_path: Path) -> None:
    assert check_id("my-list-2") == "my-list-2"
    assert check_category("self-harm") == "self-harm"
    assert check_category("tiktok") == "tiktok"
    with pytest.raises(ListError, match="did you mean 'tiktok'"):
        check_category("tik-tok")
