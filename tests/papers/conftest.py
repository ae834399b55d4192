"""The languages in which papers are printed."""

from collections.abc import Iterator

import pytest

from translations import LANGUAGES, language, use


@pytest.fixture(params=LANGUAGES)
def tongue(request: pytest.FixtureRequest) -> Iterator[str]:
    """Use each language in turn."""
    before = language()
    use(request.param)
    yield request.param
    use(before)
