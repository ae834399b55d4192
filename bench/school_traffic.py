"""`python -m bench.school_traffic`: write made school days as a query log, or judge the incident rules by them.

What happens: lessons by the bell in several rooms, pages that ask for twenty other names, systems and apps that ask by
themselves, and a few people and programs that do what the rules look for. All of it follows from the seed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from bench.traffic_judge import judge, rows
from bench.traffic_log import lines, school_day
from cli.table import print_table
from resolver.querylog import HEADER_LINE

__all__ = ["lines", "main", "school_day"]

HOLD_OUT = (4001, 4016)
"""Seeds that nobody looks at while rules are changed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--judge", "judging", is_flag=True, help="Compare what the rules find with what was planted.")
@click.option("--seeds", help="FIRST-LAST, for --judge; by default those that are held out.")
@click.option("--show", is_flag=True, help="With --judge: what was missed, and what was taken for an incident.")
@click.option("--seed", default=1, show_default=True, help="Of the first day; each day has the next.")
@click.option("--days", default=1, show_default=True)
@click.option("--rooms", default=8, show_default=True, help="With some twelve devices each.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to write the log.")
@click.option("--labels", type=click.Path(path_type=Path), help="Where to write what was planted, as JSON lines.")
def main(
    judging: bool,
    seeds: str | None,
    show: bool,
    seed: int,
    days: int,
    rooms: int,
    output: Path | None,
    labels: Path | None,
) -> None:
    """Make school days."""
    if judging:
        _judge(_range(seeds) if seeds else range(HOLD_OUT[0], HOLD_OUT[1] + 1), rooms, show)
        return
    if output is None:
        raise click.UsageError("expected --output FILE, or --judge")
    planted = []
    with output.open("wb") as file:
        file.write(HEADER_LINE)
        for number in range(days):
            day = school_day(seed + number, rooms)
            planted += [{"day": number, **asdict(label)} for label in day.labels]
            file.writelines(_ended(lines(day, number)))
    if labels is not None:
        labels.write_text("".join(json.dumps(each) + "\n" for each in planted), encoding="utf-8")


def _ended(rows: Iterator[bytes]) -> Iterator[bytes]:
    return (row + b"\n" for row in rows)


def _range(text: str) -> range:
    found = re.fullmatch(r"([0-9]+)-([0-9]+)", text)
    if found is None:
        raise click.UsageError(f"expected --seeds FIRST-LAST, found {text!r}")
    return range(int(found[1]), int(found[2]) + 1)


def _judge(seeds: range, rooms: int, show: bool) -> None:
    score = judge(seeds, rooms)
    print_table(("KIND", "PLANTED", "INCIDENTS", "PRECISION", "RECALL"), rows(score))
    for label in score.missed if show else ():
        click.echo(f"missed: {label}")
    for told in score.wrong if show else ():
        click.echo(f"wrong: {told}")


if __name__ == "__main__":
    main()
