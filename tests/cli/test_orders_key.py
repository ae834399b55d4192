"""`orders key` and `init`: the key is made while the director is there, and what follows is said."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from settings.load import load
from tests.cli.director import PASSPHRASE, approve, approved, listed, signing, someone_sits_there, waiting
from tests.cli.installation import Bench, FakeIndex, prepared

NEW = "the words of a new director"
SIGNATURE = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
ORDER = ("--order", "12", "--date", "2026-09-02")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({}))
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with signing(tmp_path, monkeypatch) as bench:
        yield bench


def state(bench: Bench) -> Path:
    return bench.folder / "var"


def shown(bench: Bench) -> dict[str, str]:
    return cast("dict[str, str]", bench.json("orders", "key", "show", "--json"))


def given(bench: Bench, *arguments: str, stdin: str) -> str:
    """Run a command that must succeed, with what is typed; return what it prints."""
    result = bench.run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


# -- made --------------------------------------------------------------------------------------------------------------


def test_from_paper_to_signatures(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("allow", "example.net", "--order", "13", "--date", "2026-09-03")
    said = given(bench, "orders", "key", "create", stdin=f"{PASSPHRASE}\n")
    assert "Paper orders that its signature confirms: 2" in said
    assert "  paper order 13 of 2026-09-03" in said
    assert f'set approval.mode = "signature" in {bench.config}' in said
    key = shown(bench)
    assert key["key"] == key["pin"]
    assert f"The director's key is made: {key['key']}" in said
    bench.environ = SIGNATURE
    assert listed(bench) == ["example.net", "example.org"]
    assert "on paper and confirmed by a signature: 2." in bench.done("orders", "verify")
    bench.done("allow", "example.com")
    approved(bench, "--all")
    assert "example.com" in listed(bench)


def test_in_a_terminal_the_passphrase_is_typed_twice_until_it_is_good(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone_sits_there(monkeypatch)
    typed = f"short\nshort\n{PASSPHRASE}\nsomething else\n{PASSPHRASE}\n{PASSPHRASE}\n"
    result = bench.run("orders", "key", "create", stdin=typed)
    assert result.exit_code == 0, result.output
    assert "expected a passphrase of at least 10 characters, found 5" in result.stderr
    assert PASSPHRASE not in result.output
    bench.environ = SIGNATURE
    bench.done("allow", "example.org")
    result = bench.run("approve", "--all", stdin=f"y\n{PASSPHRASE}\n")
    assert listed(bench) == ["example.org"], result.output


@pytest.mark.parametrize(("typed", "status"), [("short\n", 1), ("\n", 2), ("", 2)], ids=["short", "empty", "nothing"])
def test_without_a_good_passphrase_nothing_is_made(bench: Bench, typed: str, status: int) -> None:
    result = bench.run("orders", "key", "create", stdin=typed)
    assert result.exit_code == status
    assert not list(state(bench).glob("director.*"))
    assert "There is no key of the director yet" in bench.done("orders", "key", "show")


def test_a_second_first_key_is_refused(signed: Bench) -> None:
    before = shown(signed)
    assert "orders key handover" in signed.refused(1, "orders", "key", "create")
    assert shown(signed) == before


def test_the_key_may_lie_on_a_stick(bench: Bench, tmp_path: Path) -> None:
    stick = tmp_path / "stick" / "director.key"
    stick.parent.mkdir()
    given(bench, "orders", "key", "create", "--key", str(stick), stdin=f"{PASSPHRASE}\n")
    assert not (state(bench) / "director.key").exists()
    bench.environ = SIGNATURE
    bench.done("allow", "example.org")
    assert "Name the place where it lies" in approve(bench, "--all").stderr
    approved(bench, "--all", "--key", str(stick))
    assert listed(bench) == ["example.org"]


def test_the_key_is_shown_with_what_it_is_trusted_by(bench: Bench) -> None:
    given(bench, "orders", "key", "create", stdin=f"{PASSPHRASE}\n")
    key = shown(bench)["key"]
    said = bench.done("orders", "key", "show")
    assert f"The director's key: {key}" in said
    assert f"Trusted by {state(bench) / 'director.pub'}: {key}" in said
    assert f"The private key, locked: {state(bench) / 'director.key'}" in said
    assert 'approval.mode is "paper"' in said
    (state(bench) / "director.key").unlink()
    bench.environ = {**SIGNATURE, "SCHOOLFILTER_APPROVAL__DIRECTOR_KEY": "SHA256:" + "A" * 43}
    result = bench.run("orders", "key", "show")
    assert "Trusted by approval.director_key in the settings: SHA256:AAAA" in result.stdout
    assert "The director's key: none that counts" in result.stdout
    assert "The private key is not at " in result.stdout
    assert "the ledger rests on no such key" in result.stderr


# -- handed over, replaced, locked anew --------------------------------------------------------------------------------


def test_a_new_director_takes_over(signed: Bench) -> None:
    before = shown(signed)
    said = given(
        signed, "orders", "key", "handover", "--number", "40", "--date", "2027-08-20", stdin=f"{PASSPHRASE}\n{NEW}\n"
    )
    after = shown(signed)
    assert (after["pin"], after["key"] == before["key"]) == (before["pin"], False)
    assert f"The new director's key is made: {after['key']}" in said
    assert "stay as they are" in said
    signed.done("allow", "example.org")
    assert approve(signed, "--all").exit_code == 1
    approved(signed, "--all", passphrase=NEW)
    assert listed(signed) == ["example.org"]
    assert "handover of the key of 2027-08-20" in signed.done("orders", "show", "2")


def test_without_the_old_passphrase_nobody_takes_over(signed: Bench) -> None:
    before = shown(signed)
    assert signed.run("orders", "key", "handover", stdin=f"a wrong passphrase\n{NEW}\n").exit_code == 1
    assert shown(signed) == before
    signed.done("allow", "example.org")
    approved(signed, "--all")


def test_passphrases_may_be_in_files(signed: Bench, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(f"{PASSPHRASE}\n", "utf-8")
    new.write_text(f"{NEW}\n", "utf-8")
    signed.done("orders", "key", "handover", "--passphrase-file", str(old), "--new-passphrase-file", str(new))
    signed.done("allow", "example.org")
    approved(signed, "--all", passphrase=NEW)


def test_a_lost_key_is_replaced_on_an_act(signed: Bench) -> None:
    signed.done("allow", "example.org")
    approved(signed, "--all")
    (state(signed) / "director.key").unlink()
    said = given(signed, "orders", "key", "replace", "--act", "3", "--date", "2026-10-01", stdin=f"{NEW}\n")
    key = shown(signed)
    assert key["key"] == key["pin"]
    assert f"in the place of the lost one: {key['key']}" in said
    assert "document: act 3 of 2026-10-01" in signed.done("orders", "show", "3")
    signed.done("allow", "example.net")
    approved(signed, "--all", passphrase=NEW)
    assert listed(signed) == ["example.net", "example.org"]
    assert "Everything is in order." in signed.done("orders", "verify")


def test_where_the_settings_name_the_lost_key_they_have_to_name_the_new_one(signed: Bench) -> None:
    signed.environ |= {"SCHOOLFILTER_APPROVAL__DIRECTOR_KEY": shown(signed)["pin"]}
    said = given(signed, "orders", "key", "replace", "--act", "3", "--date", "2026-10-01", stdin=f"{NEW}\n")
    assert "the settings name another key" in said
    assert "which the settings do not name" in signed.run("orders", "verify").stdout
    new = said.split("in the place of the lost one: ")[1].split()[0]
    assert f'approval.director_key = "{new}"' in said
    signed.environ |= {"SCHOOLFILTER_APPROVAL__DIRECTOR_KEY": new}
    assert "Everything is in order." in signed.done("orders", "verify")


@pytest.mark.parametrize("arguments", [(), ("--act", "3"), ("--date", "2026-10-01"), ("--act", "3", "--date", "then")])
def test_a_replacement_needs_its_act(signed: Bench, arguments: tuple[str, ...]) -> None:
    before = shown(signed)
    signed.refused(2, "orders", "key", "replace", *arguments)
    assert shown(signed) == before


def test_the_passphrase_is_changed_and_the_key_stays(signed: Bench) -> None:
    before = shown(signed)
    assert signed.run("orders", "key", "passphrase", stdin=f"a wrong passphrase\n{NEW}\n").exit_code == 1
    given(signed, "orders", "key", "passphrase", stdin=f"{PASSPHRASE}\n{NEW}\n")
    assert shown(signed) == before
    signed.done("allow", "example.org")
    assert approve(signed, "--all").exit_code == 1
    assert waiting(signed) == ["example.org"]
    approved(signed, "--all", passphrase=NEW)


# -- init --------------------------------------------------------------------------------------------------------------


def test_init_makes_and_pins_the_key_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.init.ensure_starter", lambda *_: None)
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSPHRASE}\n", "utf-8")
    bench = Bench(tmp_path)
    said = bench.done(
        "init", "--state", str(state(bench)), "--approval", "signature", "--director-passphrase-file", str(secret)
    )
    assert load(bench.config, {}).approval.mode == "signature"
    assert (state(bench) / "director.pub").read_text("ascii").startswith("ssh-ed25519 ")
    key = shown(bench)
    assert key["key"] == key["pin"] != ""
    assert key["key"] in said
    assert "The director's key is made" not in bench.done("init", "--director-passphrase-file", str(secret))
    assert shown(bench) == key


def test_init_names_the_next_step_where_nobody_can_be_asked(bench: Bench) -> None:
    bench.environ = SIGNATURE
    assert f"schoolfilter --config {bench.config} orders key create" in bench.done("init")
    assert not (state(bench) / "director.key").exists()


def test_init_offers_to_make_the_key_while_the_director_is_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_sits_there(monkeypatch)
    bench.environ = SIGNATURE
    assert "orders key create" in bench.run("init", stdin="n\n").stdout
    assert not (state(bench) / "director.key").exists()
    result = bench.run("init", stdin=f"y\n{PASSPHRASE}\n{PASSPHRASE}\n")
    assert result.exit_code == 0, result.output
    assert (state(bench) / "director.key").exists()


def test_on_paper_init_says_nothing_of_keys(bench: Bench) -> None:
    assert "key" not in bench.done("init")
