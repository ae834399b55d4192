"""Fixtures: one certificate authority for all tests of upstreams."""

import pytest

from tests.upstream.certificates import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that the upstreams under test trust."""
    return Authority(tmp_path_factory.mktemp("authority"))
