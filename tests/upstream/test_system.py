"""The machine's own resolvers are asked, but never ourselves."""

from pathlib import Path

import pytest

from resolver.upstream.system import machine_resolvers


@pytest.mark.parametrize(
    ("listen", "left"),
    [
        (("127.0.0.1:5353",), ["127.0.0.1", "127.0.0.53", "192.0.2.1", "::1"]),
        (("127.0.0.1:53",), ["127.0.0.53", "192.0.2.1", "::1"]),
        (("0.0.0.0:53",), ["192.0.2.1", "::1"]),
        (("[::]:53",), ["127.0.0.1", "127.0.0.53", "192.0.2.1"]),
        (("0.0.0.0:53", "[::1]:53"), ["192.0.2.1"]),
    ],
)
def test_a_resolver_at_which_we_listen_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listen: tuple[str, ...], left: list[str]
) -> None:
    """On a wildcard address we listen at every address that this machine has: asking one of them would be a loop."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("nameserver 127.0.0.1\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver ::1\n")
    monkeypatch.setattr("resolver.upstream.system.RESOLV_CONF", resolv_conf)
    assert [address.host for address in machine_resolvers(listen)] == left


def test_without_resolv_conf_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolver.upstream.system.RESOLV_CONF", tmp_path / "absent")
    assert machine_resolvers(("127.0.0.1:53",)) == []
