"""The live test of an act on a real server: it finds what is closed and open, and a server that does otherwise."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.e2e.conftest import BLOCKED, Maker
from tests.harness import wire
from tests.harness.upstream import FakeUpstream, says
from tests.papers.sheets import squeezed, text_of


def period() -> tuple[str, ...]:
    """Return days up to today, by the clock of the school (tests/harness/server.py): the journal began just now."""
    today = datetime.now(ZoneInfo("Asia/Bishkek")).date()
    return "--from", "2024-10-01", "--to", today.isoformat()


def test_names_of_each_kind_are_asked_and_found_as_the_policy_demands(
    make: Maker, upstream: FakeUpstream, tmp_path: Path
) -> None:
    for name in ("kitap.example.org", "example.org", "example.net"):
        upstream.on(name, says(wire.record("@", 300, "A", "198.51.100.7")))
    server = make(lists={"gambling": f"{BLOCKED}\n", "terrorism": "terror.example.net\n"}, start=False)
    server.command("allow", "kitap.example.org", "--order", "12", "--date", "2026-09-02", "--reason", "books")
    server.start()
    server.command("act", *period(), "--output", str(tmp_path))
    (path,) = tmp_path.glob("act-*.pdf")
    text = squeezed(text_of(path.read_bytes()))
    assert "Whitelistofsiteskitap.example.orgopenopenasexpected" in text
    for name in ("example.org", "example.net"):
        assert f"{name}openopenasexpected" in text
    assert text.count("closedclosedasexpected") > 10
    assert "WRONG" not in text
    asked = {line["name"] for line in server.log_lines() if line["action"] == "block"}
    assert len(asked) == text.count("closedclosedasexpected")
    with sqlite3.connect(server.state / "journal.db") as journal:
        (body,) = journal.execute("SELECT body FROM chain WHERE kind = 'paper'").fetchone()
    journal.close()
    assert json.loads(body)["asked_closed"] == len(asked)


def test_a_server_that_does_not_do_what_the_policy_demands_is_found(
    make: Maker, upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.on("kitap.example.org", says(wire.record("@", 300, "A", "198.51.100.7")))
    server = make(lists={})
    # Somebody lets another server answer in the place of ours.
    listening = server.state / "run" / "listening.json"
    said = json.loads(listening.read_text())
    said["listen"] = [upstream.url.removeprefix("udp://")]
    listening.write_text(json.dumps(said))
    done = server.command("act", *period(), "--output", str(tmp_path), check=False)
    assert done.returncode == 1
    (path,) = tmp_path.glob("act-*.pdf")
    text = squeezed(text_of(path.read_bytes()))
    assert "SOMETHINGISWRONG" in text
    assert "testofsamplenames" in text
    with sqlite3.connect(server.state / "journal.db") as journal:
        (body,) = journal.execute("SELECT body FROM chain WHERE kind = 'paper'").fetchone()
    journal.close()
    assert json.loads(body)["sound"] is False
