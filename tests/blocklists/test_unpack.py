"""Whatever a source publishes, the text of one list comes out of it, or words that say why not."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists import archives, unpack
from blocklists.errors import RefusedText
from blocklists.rules import Format
from blocklists.unpack import unpacked, unpacked_path
from tests.blocklists.lists_folder import DATA

LIST = b"example.org\nexample.net\n"
UT1 = {
    "blacklists/README": b"hello",
    "blacklists/gambling/urls": b"example.org/casino\n",
    "blacklists/gambling/usage": b"black",
    "blacklists/gambling/expressions": b"(^|casino)\n",
    "blacklists/gambling/domains": b"bet.example.org",
    "blacklists/games/domains": b"play.example.org\n",
}
V2FLY = {
    "domain-list-community-main/README.md": b"hello",
    "domain-list-community-main/data/all": b"include:one\ninclude:two @ads\n",
    "domain-list-community-main/data/one": b"one.example.org\nfull:two.example.org # hello\n",
    "domain-list-community-main/data/two": b"ads.example.org @ads\nnot.example.org\n",
}


def tar(files: Mapping[str, bytes], packing: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def zipped(files: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def text(folder: Path, data: bytes, member: str = "", **options: Any) -> bytes:
    path = folder / "some-name"
    path.write_bytes(data)
    with path.open("rb") as file:
        return b"".join(unpacked(file, member, folder, **options))


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip-members": lambda data: gzip.compress(data[:9], mtime=0) + gzip.compress(data[9:], mtime=0) + b"\0" * 4,
    "gzip-and-more": lambda data: gzip.compress(data, mtime=0) + b"more",
    "bzip2": bz2.compress,
    "bzip2-streams": lambda data: bz2.compress(data[:9]) + bz2.compress(data[9:]),
    "xz": lzma.compress,
    "xz-streams": lambda data: lzma.compress(data[:9]) + b"\0" * 4 + lzma.compress(data[9:]),
    "zip": lambda data: zipped({"list.txt": data}),
    "zip-stored": lambda data: zipped({"list.txt": data}, zipfile.ZIP_STORED),
    "zip-with-clutter": lambda data: zipped({"a/list.txt": data, "__MACOSX/._list.txt": b"\0", ".DS_Store": b"\0"}),
    "tar": lambda data: tar({"list.txt": data}),
    "tar.gz": lambda data: tar({"list.txt": data}, "gz"),
    "tar.bz2": lambda data: tar({"list.txt": data}, "bz2"),
    "tar.xz": lambda data: tar({"list.txt": data}, "xz"),
}


@pytest.mark.parametrize("packing", PACKINGS)
@settings(max_examples=10, deadline=None)
@given(lines=st.lists(st.sampled_from(["example.org", "b.example.net", "# x", ""]), min_size=2, max_size=9000))
def test_a_text_is_found_however_it_is_packed(
    tmp_path_factory: pytest.TempPathFactory, packing: str, lines: list[str]
) -> None:
    data = "\n".join(lines).encode()
    assert text(tmp_path_factory.mktemp("in"), PACKINGS[packing](data)) == data


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def out_of(kind: str, folder: Path, files: Mapping[str, bytes], member: str = "", **options: Any) -> bytes:
    """Find a text in the same files as a folder or as one of the archives."""
    if kind == "folder":
        return b"".join(unpacked_path(written(folder / "published", files), member, None, folder, **options))
    made = zipped(files) if kind == "zip" else tar(files, "gz" if kind == "tar.gz" else "")
    return text(folder, made, member, **options)


KINDS = pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz"])


@KINDS
@pytest.mark.parametrize("member", ["gambling", "blacklists/gambling"])
def test_a_category_is_its_domains_and_then_its_urls(tmp_path: Path, kind: str, member: str) -> None:
    assert out_of(kind, tmp_path, UT1, member) == b"bet.example.org\nexample.org/casino\n"


@KINDS
def test_the_place_of_a_category_tells_its_format(tmp_path: Path, kind: str) -> None:
    told: list[Format] = []
    for member in ("gambling", "README"):
        told.append(Format.ADDRESSES)
        out_of(kind, tmp_path, UT1, member, told=told.append)
    assert told == [Format.ADDRESSES, Format.DOMAINS, Format.ADDRESSES]


@KINDS
def test_a_single_category_needs_no_name(tmp_path: Path, kind: str) -> None:
    files = {name: data for name, data in UT1.items() if "games" not in name}
    assert out_of(kind, tmp_path, files).startswith(b"bet.example.org\n")


@KINDS
def test_which_parts_there_are_is_said(tmp_path: Path, kind: str) -> None:
    with pytest.raises(RefusedText, match=r"--member NAME\. There are: gambling, games$"):
        out_of(kind, tmp_path, UT1)
    with pytest.raises(RefusedText, match=r"the part 'gamez', found none\. There are: gambling, games$"):
        out_of(kind, tmp_path, UT1, "gamez")


@KINDS
def test_a_v2fly_list_comes_with_what_it_includes(tmp_path: Path, kind: str) -> None:
    lines = out_of(kind, tmp_path, V2FLY, "all").decode().splitlines()
    names = [line.split()[0] for line in lines if not line.startswith("#")]
    assert names == ["one.example.org", "full:two.example.org", "ads.example.org"]
    with pytest.raises(RefusedText, match=r"There are: all, one, two$"):
        out_of(kind, tmp_path, V2FLY, "three")


@KINDS
def test_a_plain_file_is_chosen_by_name(tmp_path: Path, kind: str) -> None:
    files = {"lists/a.txt": LIST, "lists/b.txt": b"b.example.org\n", "other/a.txt": b"x.example.org\n"}
    assert out_of(kind, tmp_path, files, "b.txt") == b"b.example.org\n"
    assert out_of(kind, tmp_path, files, "other/a.txt") == b"x.example.org\n"
    with pytest.raises(RefusedText, match=r"one part 'a\.txt', found several: lists/a\.txt, other/a\.txt"):
        out_of(kind, tmp_path, files, "a.txt")
    with pytest.raises(RefusedText, match=r"There are: lists/a\.txt, lists/b\.txt, other/a\.txt"):
        out_of(kind, tmp_path, files)


@KINDS
def test_a_packed_file_within_an_archive_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(RefusedText, match="packed twice"):
        out_of(kind, tmp_path, {"list.gz": gzip.compress(LIST, mtime=0)})


def test_a_local_v2fly_file_finds_those_beside_it(tmp_path: Path) -> None:
    folder = written(tmp_path, V2FLY) / "domain-list-community-main" / "data"
    for form in (None, Format.V2FLY):
        assert b"one.example.org" in b"".join(unpacked_path(folder / "all", "", form, tmp_path))
    # Another format was forced, so the line is what it is there: at fault.
    assert (
        b"".join(unpacked_path(folder / "all", "", Format.DOMAINS, tmp_path)) == V2FLY[f"{folder.parent.name}/data/all"]
    )


def test_a_local_v2fly_file_may_have_an_ending(tmp_path: Path) -> None:
    (tmp_path / "my list.txt").write_bytes(b"include:one\nexample.org\n")
    (tmp_path / "one").write_bytes(b"include:my\none.example.org\n")
    found = b"".join(unpacked_path(tmp_path / "my list.txt", "", None, tmp_path))
    assert b"one.example.org\n" in found
    assert b"\nexample.org\n" in found


@pytest.mark.parametrize("include", [b'include: "/etc/unbound/local.conf"', b"include: more", b"include: *.conf"])
def test_an_include_of_another_format_is_left_to_it(tmp_path: Path, include: bytes) -> None:
    data = b"server:\n" + include + b'\nlocal-zone: "example.org" always_nxdomain\n'
    (tmp_path / "unbound.conf").write_bytes(data)
    assert b"".join(unpacked_path(tmp_path / "unbound.conf", "", None, tmp_path)) == data


def test_an_include_never_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret.example.org\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one").write_bytes(b"include:../secret\nexample.org\n")
    try:
        found = b"".join(unpacked_path(tmp_path / "data" / "one", "", None, tmp_path))
    except RefusedText:
        return
    assert b"secret.example.org" not in found


def test_links_devices_and_names_that_climb_are_passed_over(tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "a/domains"), (tarfile.LNKTYPE, "b/domains"), (tarfile.CHRTYPE, "c")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("../../climbs.txt")
        info.size = len(LIST)
        archive.addfile(info, io.BytesIO(LIST))
    assert text(tmp_path, made.getvalue()) == LIST
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some-name"]
    assert not (tmp_path.parent / "climbs.txt").exists()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "links",
    [
        [link("./blacklists/porn", "games")],
        [link("blacklists/porn", "./games/")],
        [link("blacklists/porn/domains", "../games/domains")],
        [link("blacklists/porn/domains", "blacklists/games/domains", tarfile.LNKTYPE)],
    ],
    ids=["folder", "folder-slash", "file", "hard"],
)
def test_a_category_in_an_archive_may_be_a_link_to_another(tmp_path: Path, links: list[tarfile.TarInfo]) -> None:
    made = io.BytesIO(tar(UT1))
    with tarfile.open(fileobj=made, mode="a") as archive:
        for info in links:
            archive.addfile(info)
    assert text(tmp_path, made.getvalue(), "porn") == b"play.example.org\n"
    with pytest.raises(RefusedText, match=r"There are: gambling, games, porn$"):
        text(tmp_path, made.getvalue(), "casino")


def test_a_category_in_a_folder_may_be_a_link_to_another_of_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "published", UT1)
    outside = written(tmp_path / "outside", {"domains": b"secret.example.org\n"})
    (folder / "blacklists" / "porn").symlink_to("games")
    (folder / "blacklists" / "away").symlink_to(outside)
    assert b"".join(unpacked_path(folder, "porn", None, tmp_path)) == b"play.example.org\n"
    with pytest.raises(RefusedText, match=r"There are: gambling, games, porn$"):
        b"".join(unpacked_path(folder, "away", None, tmp_path))


def test_links_do_not_multiply_what_is_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 20)
    made = io.BytesIO(tar({f"a/{number}": LIST for number in range(6)}))
    with tarfile.open(fileobj=made, mode="a") as archive:
        for number in range(6):
            archive.addfile(link(f"b{number}", "a"))
    with pytest.raises(RefusedText, match="at most 20 files"):
        text(tmp_path, made.getvalue(), "b1/1")


def test_another_name_of_the_only_file_makes_no_second_one(tmp_path: Path) -> None:
    made = io.BytesIO(tar({"list-2.txt": LIST}))
    with tarfile.open(fileobj=made, mode="a") as archive:
        archive.addfile(link("latest.txt", "list-2.txt"))
    assert text(tmp_path, made.getvalue()) == text(tmp_path, made.getvalue(), "latest.txt") == LIST


def flagged(data: bytes) -> bytes:
    """Mark the only file of a zip as encrypted, in both of its headers."""
    at = data.index(b"PK\x01\x02")
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


def lying(data: bytes, size: int) -> bytes:
    """Have a zip's directory claim another size of its only file."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]


def negative_tar() -> bytes:
    """A header whose size is negative: readers that believe it go round in circles."""
    info = tarfile.TarInfo("list.txt")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    return bytes(header) + b"\0" * 1024


def long_names_without_end() -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 4
    return (info.tobuf(tarfile.GNU_FORMAT) + b"abc\0" + b"\0" * 508) * 5000


def huge_claim() -> bytes:
    """An extended header that says it is larger than any header needs to be."""
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 1 << 20
    return info.tobuf(tarfile.USTAR_FORMAT) + b"1" * (1 << 20) + b"\0" * 1024


HOSTILE = {
    "gzip-cut": (gzip.compress(os.urandom(4000).hex().encode(), mtime=0)[:-20], "cut off"),
    "gzip-head": (gzip.compress(LIST, mtime=0)[:3], "cut off"),
    "gzip-garbage": (b"\x1f\x8b" + b"garbage" * 9, "damaged"),
    "gzip-member-cut": (gzip.compress(LIST, mtime=0) + gzip.compress(LIST, mtime=0)[:-5], "cut off"),
    "gzip-twice": (gzip.compress(gzip.compress(LIST * 9, mtime=0), mtime=0), "packed twice"),
    "bzip2-cut": (bz2.compress(LIST)[:-5], "cut off"),
    "bzip2-garbage": (b"BZh9" + b"garbage" * 9, "damaged"),
    "xz-cut": (lzma.compress(LIST)[:-5], "cut off"),
    "xz-garbage": (b"\xfd7zXZ\0" + b"garbage" * 9, "damaged"),
    "xz-memory": (lzma.compress(LIST, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]), "damaged"),
    "zip-garbage": (b"PK\x03\x04\0\0", "damaged"),
    "zip-cut": (zipped(UT1)[:-30], "damaged"),
    "zip-encrypted": (flagged(zipped({"list.txt": LIST})), "password"),
    "zip-lies-low": (lying(zipped({"list.txt": LIST}), 5), "damaged"),
    "zip-lzma": (zipped({"list.txt": LIST}, zipfile.ZIP_LZMA), "usual way"),
    "zip-empty": (zipped({}), "none at all"),
    "tar-cut": (tar({"list.txt": LIST * 100})[:700], "cut off|damaged"),
    "tar-negative": (negative_tar(), "damaged|none at all"),
    "tar-long-names": (long_names_without_end(), "damaged"),
    "tar-huge-claim": (huge_claim(), "too large"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("data", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_damaged_and_hostile_files_are_refused_in_words(tmp_path: Path, data: bytes, expected: str) -> None:
    with pytest.raises(RefusedText, match=expected):
        text(tmp_path, data)


def test_a_zip_that_claims_too_much_gives_what_it_has(tmp_path: Path) -> None:
    assert text(tmp_path, lying(zipped({"list.txt": LIST}), 1 << 30)) == LIST


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_gives_a_text_or_words(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever octets of a packed list are changed, nothing but RefusedText comes out of it."""
    made = bytearray(data.draw(st.sampled_from(sorted(SAMPLES.items())))[1])
    for _change in range(data.draw(st.integers(1, 4))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp()
    with suppress(RefusedText):
        text(folder, bytes(made[: data.draw(st.integers(1, len(made)))]), data.draw(st.sampled_from(["", "games"])))


SAMPLES = {name: pack(LIST * 20) for name, pack in PACKINGS.items()} | {"ut1.zip": zipped(UT1), "ut1.tar": tar(UT1)}


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "tar.gz", "tar.xz"])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str
) -> None:
    monkeypatch.setattr(unpack, "_RATIO_FLOOR", 1 << 16)
    bomb = PACKINGS[packing](b"\n" * (16 << 20))
    taken: list[int] = []
    path = tmp_path / "bomb"
    path.write_bytes(bomb)
    with path.open("rb") as file, pytest.raises(RefusedText, match="250-fold"):
        taken.extend(len(piece) for piece in unpacked(file, "", tmp_path))
    assert sum(taken) <= len(bomb) * 250 + (2 << 16)


def test_the_archive_that_is_unpacked_whole_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_ARCHIVE", 1 << 20)
    with pytest.raises(RefusedText, match="at most 1 MiB"):
        text(tmp_path, tar({"a": LIST, "b": os.urandom(2 << 20)}, "gz"), "a")


@KINDS
def test_the_number_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    with pytest.raises(RefusedText, match="at most 5 files"):
        out_of(kind, tmp_path, {f"{number}.txt": LIST for number in range(6)}, "1.txt")


def test_includes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "_MAX_INCLUDED", 100)
    with pytest.raises(RefusedText, match="usual size"):
        out_of("zip", tmp_path, {"data/a": b"include:b\n", "data/b": LIST * 20}, "a")


@pytest.mark.parametrize("packing", ["plain", "gzip"])
def test_a_part_of_a_single_text_is_refused(tmp_path: Path, packing: str) -> None:
    with pytest.raises(RefusedText, match="leave the part out"):
        text(tmp_path, PACKINGS[packing](LIST), "gambling")


def test_nothing_is_left_in_the_scratch_folder(tmp_path: Path) -> None:
    text(tmp_path, tar(UT1, "gz"), "games")
    assert [path.name for path in tmp_path.iterdir()] == ["some-name"]


@pytest.mark.skipif(not DATA.exists(), reason="the real lists are not part of the repository")
def test_real_lists_of_ut1_come_out_of_an_archive_as_they_went_in(tmp_path: Path) -> None:
    gambling = gzip.decompress((DATA / "lists/ut1/gambling.domains.gz").read_bytes())
    games = gzip.decompress((DATA / "lists/ut1/games.domains.gz").read_bytes())
    made = tar({"blacklists/gambling/domains": gambling, "blacklists/games/domains": games}, "gz")
    assert text(tmp_path, made, "gambling") == gambling


@pytest.mark.skipif(not DATA.exists(), reason="the real lists are not part of the repository")
@pytest.mark.parametrize("name", ["youtube", "category-social-media-!cn", "google"])
def test_real_lists_of_v2fly_are_resolved_as_their_makers_do(tmp_path: Path, name: str) -> None:
    with (DATA / "lists/v2fly/data-all.tar.gz").open("rb") as file:
        found = b"".join(unpacked(file, name, tmp_path)).decode()
    expected = (DATA / f"lists/v2fly/expanded/{name}.txt").read_text()
    assert statements(found) == statements(expected)


def statements(text: str) -> set[str]:
    words = (line.partition("#")[0].split() for line in text.splitlines())
    return {found[0].removeprefix("domain:") for found in words if found}
