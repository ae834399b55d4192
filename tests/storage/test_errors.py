"""What an error of the system or of SQLite becomes: the next step is the right one."""

from pathlib import Path

import pytest

from storage.errors import UnreachableDatabase, translated


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), r"no permission for /x/journal\.db: run it as root \(sudo\)"),
        (FileNotFoundError(2, "No such file or directory"), r"No such file or directory\. Check that the folder"),
        (OSError(28, "No space left on device"), r"No space left on device\. Check that .* has free space"),
    ],
)
def test_who_has_no_permission_is_told_so_and_nothing_of_the_disk(error: OSError, said: str) -> None:
    with pytest.raises(UnreachableDatabase, match=said) as raised, translated(Path("/x/journal.db")):
        raise error
    assert ("free space" in str(raised.value)) != isinstance(error, PermissionError)
