"""Settings: every mistake is told at once, with its place, and nothing is read from where nobody expects it."""

import re
from datetime import time
from pathlib import Path

import pytest

from settings import load as loading
from settings.checks import split_quiet
from settings.load import KINDS, SettingsError, Source, configured_language, find, load, load_with_sources
from settings.model import ApprovalMode, BlockAnswer, Durability, Settings
from settings.write import explanations, settings_text, toml_value


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "schoolfilter.toml"


def problems(file: Path, text: str, **environ: str) -> list[str]:
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load(file, environ)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load_with_sources(None, {})
    assert loaded.path is None
    assert set(loaded.sources.values()) == {Source.DEFAULT}
    assert loaded.settings.paths.state == tmp_path / "var"
    assert loaded.settings.server == Settings().server


def test_every_kind_of_value_is_read_from_the_file(file: Path) -> None:
    file.write_text(
        """
        [school]
        name = "Школа № 5"
        protected = ["school5.example", "мектеп.қаз"]
        [server]
        listen = ["127.0.0.1:0", "[::1]:5353"]
        workers = 2
        refuse_silently = true
        tcp_idle_seconds = 3
        [upstream]
        servers = ["192.0.2.1", "udp://192.0.2.1", "tls://9.9.9.9#dns.quad9.net"]
        zones = { "school.local" = ["udp://192.0.2.2"] }
        [blocking]
        answer = "page"
        page_address = "192.0.2.9, 2001:db8::9"
        [log]
        durability = "batch"
        [devices]
        trusted_routers = ["127.0.0.1", "fe80::1"]
        lease_files = ["/var/lib/misc/dnsmasq.leases"]
        neighbours = false
        """,
        "utf-8",
    )
    settings = load(file, {})
    assert settings.school.protected == ("school5.example", "мектеп.қаз")
    assert settings.server.listen == ("127.0.0.1:0", "[::1]:5353")
    assert (settings.server.workers, settings.server.refuse_silently) == (2, True)
    assert settings.server.tcp_idle_seconds == 3.0
    assert settings.upstream.zones == {"school.local": ("udp://192.0.2.2",)}
    assert settings.blocking.answer is BlockAnswer.PAGE
    assert settings.log.durability is Durability.BATCH
    assert settings.devices.trusted_routers == ("127.0.0.1", "fe80::1")
    assert settings.devices.lease_files == ("/var/lib/misc/dnsmasq.leases",)
    assert settings.devices.neighbours is False


def test_every_key_can_stand_in_the_environment_and_wins(file: Path) -> None:
    file.write_text('[school]\nname = "file"\ncountry = "kg"\n', "utf-8")
    environ = {
        "SCHOOLFILTER_SCHOOL__NAME": "environment",
        "SCHOOLFILTER_SERVER__LISTEN": "127.0.0.1:53, [::1]:53",
        "SCHOOLFILTER_SERVER__WORKERS": "3",
        "SCHOOLFILTER_SERVER__REFUSE_SILENTLY": "true",
        "SCHOOLFILTER_SERVER__TCP_IDLE_SECONDS": "2.5",
        "SCHOOLFILTER_UPSTREAM__ZONES": "school.local=udp://192.0.2.1,udp://192.0.2.2; a.example=tcp://192.0.2.3",
        "SCHOOLFILTER_APPROVAL__MODE": "signature",
        "SCHOOLFILTER_UPSTREAM__SERVERS": "",
        "HOME": "/root",
        "SCHOOLFILTER_TEST": "not a setting",
    }
    loaded = load_with_sources(file, environ)
    settings = loaded.settings
    assert (settings.school.name, settings.school.country) == ("environment", "kg")
    assert settings.server.listen == ("127.0.0.1:53", "[::1]:53")
    assert (settings.server.workers, settings.server.refuse_silently) == (3, True)
    assert settings.server.tcp_idle_seconds == 2.5
    assert settings.upstream.zones == {
        "school.local": ("udp://192.0.2.1", "udp://192.0.2.2"),
        "a.example": ("tcp://192.0.2.3",),
    }
    assert settings.upstream.servers == ()
    assert settings.approval.mode is ApprovalMode.SIGNATURE
    assert loaded.sources["school.name"] is Source.ENVIRONMENT
    assert loaded.sources["school.country"] is Source.FILE
    assert loaded.sources["school.language"] is Source.DEFAULT


def test_all_mistakes_are_told_at_once_each_with_its_place(file: Path) -> None:
    found = problems(
        file,
        '[server]\nworkers = "two"\nlisten = ["nowhere"]\n[serfer]\n[school]\nlanguage = "de"\nnam = 1\n',
        SCHOOLFILTER_LOG__RETENTION_DAYS="many",
        SCHOOLFILTER_SERVER__WORKER="1",
    )
    assert found == [
        f"{file}: server.workers: expected a whole number, found 'two'",
        f"{file}: [serfer]: expected a section that exists, found serfer. Did you mean server?",
        f"{file}: school.nam: expected a key that exists, found nam. Did you mean name?",
        "SCHOOLFILTER_LOG__RETENTION_DAYS: log.retention_days: expected a whole number, found 'many'",
        "SCHOOLFILTER_SERVER__WORKER: expected the name of a setting, found SCHOOLFILTER_SERVER__WORKER. "
        "Did you mean SCHOOLFILTER_SERVER__WORKERS?",
        f"{file}: school.language: expected one of kk, ky, ru, en, found 'de'",
        f"{file}: server.listen: expected ADDRESS:PORT or [IPV6]:PORT, found 'nowhere'",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\nworkers = 0", "server.workers: expected a number from 1 to 64, found 0"),
        ("[server]\nworkers = 65", "server.workers: expected a number from 1 to 64, found 65"),
        ("[server]\nworkers = true", "server.workers: expected a whole number, found true"),
        ("[server]\nworkers = 1.5", "server.workers: expected a whole number, found 1.5"),
        ("[server]\ntcp_idle_seconds = nan", "server.tcp_idle_seconds: expected a number from 0.1 to 600, found nan"),
        ("[server]\nlisten = []", "an empty list"),
        ('[server]\nlisten = "127.0.0.1:53"', 'server.listen: expected a list of texts, as ["one", "two"]'),
        ('[server]\nlisten = ["127.0.0.1:53", "127.0.0.1:53"]', "expected each value once, found '127.0.0.1:53' twice"),
        ('[server]\nlisten = ["::1:53"]', "found '::1:53'"),
        ('[server]\nlisten = ["[127.0.0.1]:53"]', "found '[127.0.0.1]:53'"),
        ('[server]\nlisten = ["127.0.0.1:65536"]', "found '127.0.0.1:65536'"),
        ('[server]\nlisten = ["127.0.0.1"]', "found '127.0.0.1'"),
        ('[server]\nallowed_networks = ["10.0.0.1/8"]', "its host part zero, found '10.0.0.1/8'"),
        ("[server]\nallowed_networks = []", "server.allowed_networks: expected a network"),
        ('[server]\nrefuse_silently = "yes"', "expected true or false, found 'yes'"),
        ("[blocking]\nttl = -1", "blocking.ttl: expected a number from 0 to 86400, found -1"),
        ('[blocking]\nanswer = "page"', 'expected an address, because blocking.answer = "page", found an empty text'),
        ('[blocking]\nanswer = "sink"', "blocking.answer: expected one of page, null, nxdomain, found 'sink'"),
        ('[blocking]\npage_address = "nowhere"', "found 'nowhere'"),
        (
            '[devices]\ntrusted_routers = ["192.168.1.0/24"]',
            "expected an address such as 192.168.1.1 or fd00::1, found",
        ),
        ('[devices]\ntrusted_routers = ["fe80::1%eth0"]', "found 'fe80::1%eth0'"),
        ('[devices]\ntrusted_routers = ["0.0.0.0"]', "found '0.0.0.0'"),
        ('[devices]\ntrusted_routers = ["ff02::1"]', "found 'ff02::1'"),
        ('[devices]\nlease_files = ["dnsmasq.leases"]', "expected a path such as /var/lib/misc/dnsmasq.leases, found"),
        ('[devices]\nneighbours = "yes"', "devices.neighbours: expected true or false, found 'yes'"),
        ('[school]\ncountry = "ru"', "school.country: expected one of kz, kg, found 'ru'"),
        ('[school]\ntime_zone = "Asia/Almata"', "found 'Asia/Almata'. Did you mean Asia/Almaty?"),
        ('[school]\ntime_zone = "../etc/passwd"', "a time zone such as Asia/Almaty"),
        ('[school]\ncontact = "it@example.org"', "written as mailto:"),
        ('[school]\nprotected = ["https://example.org"]', "expected a domain name such as example.org"),
        ('[school]\nprotected = ["a\\u200db.example"]', "expected a domain name such as example.org"),
        ('[upstream]\nservers = ["ftp://192.0.2.1"]', "upstream.servers: expected a server such as udp://192.0.2.1"),
        ('[upstream]\nservers = ["udp://"]', "found 'udp://'"),
        ('[upstream]\nservers = ["dns.example"]', "found 'dns.example'"),
        ('[upstream]\nzones = { "school.local" = [] }', "upstream.zones: expected a server"),
        ('[upstream]\nzones = { "a b" = ["udp://192.0.2.1"] }', "upstream.zones: expected a zone such as school.local"),
        ('[upstream]\nzones = ["school.local"]', "upstream.zones: expected a table"),
        ('[upstream]\nzones = { "school.local" = "udp://192.0.2.1" }', "expected a list of texts"),
        ('[paths]\nstate = ""', "paths.state: expected a folder"),
        ('[paths]\nstate = " "', "paths.state: expected a folder"),
        ("school = 1", "school: expected a section, as [school], found 1"),
        ("[school\n", "expected TOML"),
        ("[school]\nname = 1", "school.name: expected a text in quotes, found 1"),
        ("[cache]\nstale_hours = 1000", "cache.stale_hours: expected a number from 0 to 72"),
        ("[lists]\nrefresh_hours = -1", "lists.refresh_hours: expected a number from 0 to 8760, found -1"),
        ('[lists]\nquiet = "7-19"', "lists.quiet: expected hours as 07:00-19:00, or an empty text, found '7-19'"),
        ('[lists]\nquiet = "07:00-07:00"', "lists.quiet: expected hours as 07:00-19:00"),
        ('[lists]\nquiet = "07:00-24:00"', "lists.quiet: expected hours as 07:00-19:00"),
        ('[lists]\nproxy = "192.0.2.1:3128"', "lists.proxy: expected a proxy such as http://192.0.2.1:3128"),
        ('[lists]\nproxy = "http://192.0.2.1:99999"', "lists.proxy: expected a proxy"),
        ('[lists]\nmust_open = ["no name"]', "lists.must_open: expected a domain name such as example.org"),
        ('[lists]\nmust_block = ["x.example", "x.example"]', "lists.must_block: expected each value once"),
        ("[lists]\nbroad_percent = 0", "lists.broad_percent: expected a number from 1 to 100, found 0"),
        ("[lists]\nkeep = 1", "lists.keep: expected a number from 2 to 30, found 1"),
        ('[web]\nlisten = "8053"', "web.listen: expected ADDRESS:PORT"),
        ("[zzzzzzz]\n", "Known here: school, server, upstream"),
    ],
)
def test_a_value_out_of_range_or_form_is_told(file: Path, text: str, expected: str) -> None:
    found = problems(file, text)
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith(str(file))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SCHOOLFILTER_SERVER_WORKERS", "2", "Did you mean SCHOOLFILTER_SERVER__WORKERS?"),
        ("SCHOOLFILTER_SERVER__REFUSE_SILENTLY", "maybe", "expected true or false, found 'maybe'"),
        ("SCHOOLFILTER_UPSTREAM__ZONES", "school.local", "expected zones as"),
        (
            "SCHOOLFILTER_SERVER__WORKERS",
            "99",
            "SCHOOLFILTER_SERVER__WORKERS: server.workers: expected a number from 1",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_told_with_the_variable(
    file: Path, name: str, value: str, expected: str
) -> None:
    found = problems(file, "", **{name: value})
    assert len(found) == 1
    assert found[0].startswith(name)
    assert expected in found[0]


def test_a_syntax_error_names_the_line(file: Path) -> None:
    assert problems(file, "[school]\nname = \n")[0].startswith(f"{file}:2: ")


def test_a_file_that_cannot_be_read_is_told(file: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing there.*schoolfilter init"):
        load(tmp_path / "missing.toml", {})
    with pytest.raises(SettingsError, match="Is a directory"):
        load(tmp_path, {})
    file.write_bytes(b"[school]\nname = '\xff'\n")
    with pytest.raises(SettingsError, match="not UTF-8 at offset 17"):
        load(file, {})


@pytest.mark.parametrize(
    ("config", "written", "state"),
    [
        ("etc/schoolfilter.toml", 'state = "/srv/state"', "/srv/state"),
        ("var/schoolfilter.toml", 'state = "./var"', "{root}/var"),
        ("var/schoolfilter.toml", "", "{root}/var"),
        ("a/state/schoolfilter.toml", 'state = "a/state"', "{root}/a/state"),
        ("schoolfilter.toml", 'state = "./var"', "{root}/var"),
        ("a/state/schoolfilter.toml", 'state = "."', "{root}/a/state"),
        ("etc/schoolfilter.toml", 'state = "state"', "{root}/etc/state"),
    ],
)
def test_state_does_not_depend_on_where_a_command_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, written: str, state: str
) -> None:
    path = tmp_path / config
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[paths]\n{written}\n", "utf-8")
    expected = Path(state.format(root=tmp_path))
    monkeypatch.chdir("/")
    assert load(path, {}).paths.state == expected
    monkeypatch.chdir(tmp_path)
    assert load(Path(config), {}).paths.state == expected


def test_state_from_the_environment_is_meant_from_here(file: Path, tmp_path: Path) -> None:
    file.write_text('[paths]\nstate = "other"\n', "utf-8")
    assert load(file, {"SCHOOLFILTER_PATHS__STATE": "here"}).paths.state == tmp_path / "here"


def test_state_of_settings_in_etc_is_not_in_etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "etc" / "schoolfilter.toml"
    config.parent.mkdir()
    config.write_text("[school]\n", "utf-8")
    monkeypatch.setattr(loading, "SYSTEM_CONFIG", config)
    assert load(None, {}).paths.state == loading.SYSTEM_STATE


def test_the_systems_file_comes_before_the_local_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "SYSTEM_CONFIG", tmp_path / "system.toml")
    assert find(None) is None
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "schoolfilter.toml").touch()
    assert find(None) == Path("var/schoolfilter.toml")
    (tmp_path / "system.toml").touch()
    assert find(None) == tmp_path / "system.toml"
    assert find(Path("mine.toml")) == Path("mine.toml")


def test_the_language_is_found_even_in_a_file_with_mistakes(file: Path) -> None:
    file.write_text('[school]\nlanguage = "kk"\nnonsense = 1\n', "utf-8")
    assert configured_language(file) == "kk"
    file.write_text("[school\n", "utf-8")
    assert configured_language(file) == ""
    assert configured_language(file.with_name("missing")) == ""


def test_every_key_is_explained_and_the_new_file_holds_the_defaults(file: Path) -> None:
    assert explanations().keys() == KINDS.keys()
    text = settings_text({})
    file.write_text(text, "utf-8")
    assert set(load_with_sources(file, {}).sources.values()) == {Source.DEFAULT}
    file.write_text(re.sub(r"^#(?! )", "", text, flags=re.MULTILINE), "utf-8")
    loaded = load_with_sources(file, {})
    assert set(loaded.sources.values()) == {Source.FILE}
    assert loaded.settings == load(file.with_name("schoolfilter.toml"), {})
    for section in ("school", "server", "upstream", "cache", "blocking", "log", "lists", "approval", "web"):
        assert getattr(loaded.settings, section) == getattr(Settings(), section)


def test_chosen_values_are_set_in_the_new_file(file: Path) -> None:
    nasty = 'a "quoted" \\ name\nwith\x7f\x00 everything'
    file.write_text(settings_text({"school.name": nasty, "server.workers": 2, "server.listen": ("[::1]:53",)}), "utf-8")
    loaded = load_with_sources(file, {})
    assert loaded.settings.school.name == nasty
    assert (loaded.settings.server.workers, loaded.settings.server.listen) == (2, ("[::1]:53",))
    assert loaded.sources["school.name"] is Source.FILE
    assert loaded.sources["log.detail"] is Source.DEFAULT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07:00-19:00", (time(7), time(19))),
        (" 22:30 - 06:00 ", (time(22, 30), time(6))),
        ("", None),
        ("  ", None),
    ],
    ids=["day", "over midnight", "empty", "blank"],
)
def test_quiet_hours_are_read(text: str, expected: tuple[time, time] | None) -> None:
    assert split_quiet(text) == expected


def test_a_proxy_may_want_a_password(file: Path) -> None:
    file.write_text('[lists]\nproxy = "http://user:secret@proxy.school.example:3128"\nquiet = ""\n', "utf-8")
    assert load(file, {}).lists.proxy == "http://user:secret@proxy.school.example:3128"


def test_a_value_that_is_no_setting_is_refused() -> None:
    with pytest.raises(TypeError):
        toml_value(None)
