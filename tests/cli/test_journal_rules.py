"""`journal rules` tells each rule in words, with what is in force."""

from pathlib import Path

import pytest

from journal.detection.rules import DETECTED
from tests.cli.installation import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return an installation with settings of its own."""
    found = Bench(tmp_path)
    found.config.parent.mkdir()
    found.config.write_text('[incidents]\nattempt_visits = 4\noff = ["at-risk"]\nunwatched_groups = ["guests"]\n')
    return found


def test_each_rule_is_explained_with_its_thresholds(bench: Bench) -> None:
    said = bench.done("journal", "rules")
    for rule in DETECTED:
        assert f"{rule}: " in said
    assert "at least 4 times" in " ".join(said.split())
    assert "incidents.attempt_visits = 4" in said
    assert "at-risk: a pupil may need help (switched off)" in said
    assert said.rstrip().endswith("become incidents: guests")


def test_the_same_for_machines(bench: Bench) -> None:
    said = bench.json("journal", "rules", "--json")
    assert isinstance(said, dict)
    assert [each["rule"] for each in said["rules"]] == list(DETECTED)
    assert [each["on"] for each in said["rules"]] == [True, True, True, False, True]
    assert said["rules"][0]["thresholds"]["incidents.attempt_visits"] == 4
    assert said["unwatched_groups"] == ["guests"]


def test_a_category_that_does_not_exist_is_named(bench: Bench) -> None:
    bench.environ["SCHOOLFILTER_INCIDENTS__AT_RISK"] = "gambling,gamblin"
    assert "there is no category gamblin." in bench.run("journal", "rules").stderr


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("OFF", "no-such-rule", "one of deliberate-attempt, unlawful-contact"),
        ("ATTEMPT_VISITS", "1", "a number from 2 to 50"),
        ("WINDOW_MINUTES", "0", "a number from 1 to 120"),
        ("BEACON_VISITS", "3", "a number from 4 to 100"),
        ("AT_RISK", "Self Harm", "a category such as gambling"),
        ("UNWATCHED_GROUPS", "-x", "the id of a group, such as teachers"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(bench: Bench, key: str, value: str, expected: str) -> None:
    bench.environ[f"SCHOOLFILTER_INCIDENTS__{key}"] = value
    assert expected in bench.refused(1, "journal", "rules")
