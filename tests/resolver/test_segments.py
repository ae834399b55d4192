"""Which files of the log's folder are segments."""

from pathlib import Path

import pytest

from resolver.segments import list_segments


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("20260902T050000-w0-0001.tsv", True),
        ("20260902T050000-w12-10001.tsv", True),
        ("19700101T000000-w0-0001.tsv", True),
        ("20280229T235959-w0-0001.tsv", True),
        ("20260229T000000-w0-0001.tsv", False),
        ("20261302T000000-w0-0001.tsv", False),
        ("20260902T240000-w0-0001.tsv", False),
        ("00010101T000000-w0-0001.tsv", False),
        ("99991231T235959-w0-0001.tsv", False),
        ("20260902T050000-w0-0001.tsv.part", False),
        ("20260902-w0-0001.tsv", False),
    ],
)
def test_a_name_that_holds_no_moment_is_no_segment(tmp_path: Path, name: str, is_one: bool) -> None:
    """Whoever reads the log goes by the moment: a file that was put there by hand must not stop them."""
    (tmp_path / name).touch()
    assert [each.path.name for each in list_segments(tmp_path)] == [name] * is_one
