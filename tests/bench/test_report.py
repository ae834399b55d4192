"""Medians, ratios, targets and the page are what the single runs say."""

from pathlib import Path

import pytest

from bench.load import Answers, Measured
from bench.processes import BenchError
from bench.report import BEGIN, END, Conditions, markdown, replace_between
from bench.results import Outcome, Section, Series, Target, against, against_text, cost_row, ratio


def series(name: str, *costs: float, answered: int = 1_000_000) -> Series:
    return Series(name, tuple(Measured(Answers(1_000_000, answered, 2.0, {}), cost) for cost in costs))


def test_a_series_is_quoted_by_its_median_with_lowest_and_highest() -> None:
    assert cost_row("x", series("x", 4.0, 2.0, 9.0)) == ("x", "4.00 (2.00–9.00)", "500,000", "0")
    assert cost_row("x", series("x", 1.0, answered=990_000))[3] == "1.00%"


def test_a_ratio_compares_round_by_round_so_that_a_slow_moment_hits_both() -> None:
    ours, other = series("ours", 3.0, 30.0, 3.3), series("other", 2.0, 20.0, 2.2)
    assert ratio(ours, other) == pytest.approx(1.5)
    assert against_text(ours, other) == "1.50"


def test_without_our_server_there_is_no_ratio() -> None:
    assert against(None, series("other", 1.0)) is None
    assert against_text(None, series("other", 1.0)) == "–"


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.6, "met"), (0.2, "met"), (2.0, "missed by 25%"), (None, "not measured")]
)
def test_a_target_says_met_or_missed_and_by_how_much(value: float | None, verdict: str) -> None:
    assert Target("x", 1.6, "×", value).verdict == verdict


def test_the_page_shows_conditions_aims_and_tables_between_its_markers() -> None:
    where = Conditions(
        "2026-09-01 10:00 UTC", "python -m bench", 300.0, "Some CPU", 2, 24.0, "Linux 6", 0.1, {"unbound": "1.17.1"}
    )
    outcome = Outcome(
        (Section("Hits", "All cached.", ("server", "µs"), (("echo", "2.0"),)),), (Target("p99", 2.0, "ms", 3.0),)
    )
    page = replace_between(f"# Speed\n{BEGIN}\nold\n{END}\nafter\n", markdown(where, [outcome]))
    assert "| p99 | ≤ 2 ms | 3.00 ms | missed by 50% |" in page
    assert "| server | µs |\n| --- | ---: |\n| echo | 2.0 |" in page
    assert "unbound 1.17.1" in page
    assert "old" not in page
    assert page.startswith("# Speed\n")
    assert page.endswith(f"{END}\nafter\n")


def test_a_page_without_markers_is_an_error() -> None:
    with pytest.raises(BenchError, match="found no such pair"):
        replace_between("# Speed\n", "new")


def test_the_page_in_docs_has_its_markers() -> None:
    page = Path(__file__).parents[2] / "docs" / "benchmarks.md"
    assert replace_between(page.read_text(encoding="utf-8"), "new").count(BEGIN) == 1
