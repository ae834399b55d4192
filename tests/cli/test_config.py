"""`config check` and `config show`."""

from pathlib import Path

import pytest

from tests.cli.installation import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.config.parent.mkdir()
    bench.config.write_text('[school]\nname = "School 5"\n', "utf-8")
    return bench


def test_good_settings_are_fine(bench: Bench) -> None:
    assert bench.done("config", "check") == f"{bench.config} is fine.\n"


def test_every_mistake_is_listed(bench: Bench) -> None:
    bench.config.write_text("[server]\nworkers = 0\n[schol]\n", "utf-8")
    told = bench.refused(1, "config", "check")
    assert "server.workers: expected a number from 1 to 64, found 0" in told
    assert "Did you mean school?" in told


def test_names_and_upstreams_are_read_as_the_server_reads_them(bench: Bench) -> None:
    bench.config.write_text(
        '[school]\nprotected = ["-a.example"]\n[upstream]\nservers = ["tls://dns.example"]\nprivate_zones = ["1.2"]\n',
        "utf-8",
    )
    told = bench.refused(1, "config", "check")
    assert "school.protected: expected a domain name such as example.org, found '-a.example'" in told
    assert "upstream.servers: expected " in told
    assert "upstream.private_zones: " in told


def test_without_a_file_the_defaults_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    bench.config.unlink()
    assert "schoolfilter init" in bench.refused(1, "config", "check")


def test_show_tells_where_each_value_comes_from(bench: Bench) -> None:
    result = bench.run("config", "show", SCHOOLFILTER_SERVER__WORKERS="2")
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if "." in line.split()[0]}
    assert lines["school.name"] == ["file", '"School', '5"']
    assert lines["server.workers"] == ["environment", "2"]
    assert lines["log.retention_days"] == ["default", "90"]
    shown = bench.json("config", "show", "--json")
    assert isinstance(shown, dict)
    assert shown["file"] == str(bench.config)
    assert shown["settings"]["school.name"] == {"value": "School 5", "source": "file"}
    assert shown["settings"]["server.listen"] == {"value": ["127.0.0.1:5353"], "source": "default"}
    assert shown["settings"]["blocking.answer"] == {"value": "null", "source": "default"}
