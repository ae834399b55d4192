"""Show what was measured: tables on the terminal, JSON in bench/results/, docs/benchmarks.md between its markers."""

import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.processes import BenchError
from bench.results import Outcome, Section, Target
from bench.servers import HERE, program

BEGIN, END = "<!-- figures: begin, written by `python -m bench --write` -->", "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Where, when and with what the figures were measured."""

    date: str
    command: str
    seconds: float
    processor: str
    cores: int
    memory_gb: float
    system: str
    busy: float
    """Load average before the run: figures of a machine that does other things as well are no figures."""
    versions: dict[str, str]


def conditions(command: str, started: datetime, busy: float) -> Conditions:
    """Look at the machine and the programs."""
    return Conditions(
        started.strftime("%Y-%m-%d %H:%M %Z"),
        command,
        (datetime.now(started.tzinfo) - started).total_seconds(),
        _first(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8")) or platform.machine(),
        os.cpu_count() or 1,
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9,
        f"{platform.system()} {platform.release()}",
        busy,
        {
            "schoolfilter": _own_version(),
            "Python": platform.python_version(),
            "dnsperf": _first(r"Version (\S+)", _output("dnsperf", "-h")),
            "unbound": _first(r"Version (\S+)", _output("unbound", "-V")),
            "dnsmasq": _first(r"version (\S+)", _output("dnsmasq", "-v")),
            "cc": _first(r"(\d+\.\d+\.\d+)", _output("cc", "--version")),
        },
    )


def _own_version() -> str:
    """The version in pyproject.toml with the commit: what runs is this folder, not what may be installed."""
    number = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    commit = _output("git", "-C", str(HERE), "describe", "--always", "--dirty").strip()
    return f"{number} ({commit})" if commit else str(number)


def _output(name: str, *arguments: str) -> str:
    try:
        done = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False)
    except BenchError:
        return ""
    return done.stdout + done.stderr


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1].strip() if match else ""


def _value(target: Target) -> str:
    return "–" if target.value is None else f"{target.value:.2f} {target.unit}"


TARGET_COLUMNS = ("figure", "aim", "measured", "verdict")


def target_rows(targets: Sequence[Target]) -> tuple[tuple[str, ...], ...]:
    """Return the targets as rows under TARGET_COLUMNS."""
    return tuple((t.text, f"≤ {t.limit:g} {t.unit}", _value(t), t.verdict) for t in targets)


def show(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print all tables, the targets last."""
    for section in (section for outcome in outcomes for section in outcome.sections):
        _print_table(console, section.title, section.columns, section.rows, section.note)
    if targets := [target for outcome in outcomes for target in outcome.targets]:
        _print_table(console, "Targets", TARGET_COLUMNS, target_rows(targets), "")


def _print_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str
) -> None:
    table = Table(title=title, caption=note or None, title_justify="left", caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def save(folder: Path, where: Conditions, outcomes: Sequence[Outcome]) -> Path:
    """Write everything, each single run included, as JSON."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{where.date[:16].replace(' ', 'T').replace(':', '')}.json"
    data = {"conditions": asdict(where), "outcomes": [asdict(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def markdown(where: Conditions, outcomes: Sequence[Outcome]) -> str:
    """Return the generated part of docs/benchmarks.md."""
    programs = ", ".join(f"{name} {number}" for name, number in where.versions.items())
    lines = [
        f"Measured {where.date} in {where.seconds / 60:.0f} minutes by `{where.command}`.",
        "",
        f"- Machine: {where.processor}, {where.cores} cores, {where.memory_gb:.0f} GB, {where.system}",
        f"- Versions: {programs}",
        f"- Load average of the machine before the run: {where.busy:.2f}",
        "",
        "### Aims",
        "",
        *_markdown_table(TARGET_COLUMNS, target_rows([t for outcome in outcomes for t in outcome.targets])),
    ]
    for section in (section for outcome in outcomes for section in outcome.sections):
        lines += ["", *_markdown_section(section)]
    return "\n".join(lines) + "\n"


def _markdown_section(section: Section) -> list[str]:
    return [f"### {section.title}", "", section.note, "", *_markdown_table(section.columns, section.rows)]


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in columns[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows)]


def replace_between(text: str, new: str) -> str:
    """Return the text with what stands between the markers replaced. Raises BenchError without markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"expected the lines {BEGIN!r} and {END!r} in docs/benchmarks.md, found no such pair")
    return f"{before}{BEGIN}\n\n{new}\n{END}{after}"
