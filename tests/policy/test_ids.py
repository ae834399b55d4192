"""Ids that stand in the query log: nothing that ends a column or a line."""

import pytest

from policy.ids import is_id, require_id


@pytest.mark.parametrize("text", ["a", "room5", "room-5", "5b", "pupils_2", "a" * 32])
def test_an_id_is_small_letters_digits_and_hyphens(text: str) -> None:
    assert is_id(text)
    assert require_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "-a", "_", "A", "a b", "a\tb", "a\n", "\na", "a\x00", "é", "класс", "٥", "\udcff", "a" * 33, "a.b"]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(ValueError, match="expected an id"):
        require_id(text)
