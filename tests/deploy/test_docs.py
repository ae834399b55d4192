"""The documentation tells the truth: links lead somewhere, commands exist, the command page is current."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "decisions" not in path.relative_to(ROOT).parts
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(
    r"^(?:\$ )?(?:[0-9* ]{9,}root )?(?:sudo )?(?:\.venv/bin/|/usr/local/bin/)?schoolfilter ([a-z-].*)$"
)

PARSE_ALL = """
import json, shlex, sys
import click
from cli.main import cli

def parse(line):
    rest = shlex.split(line, comments=True)
    rest = [{"ADDRESS": "192.0.2.7", "NAME": "example.org"}.get(word, word) for word in rest]
    for sign in ("|", ">", ">>", "&&"):
        if sign in rest:
            rest = rest[: rest.index(sign)]
    context, command, name = cli.make_context("schoolfilter", [], resilient_parsing=True), cli, "schoolfilter"
    if rest[:1] == ["--config"]:
        rest = rest[2:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        if command is not cli:
            context = click.Context(command, parent=context, info_name=name)
        command = command.get_command(context, name)
        if command is None:
            raise click.UsageError(f"there is no command {name}")
    command.make_context(name, rest, parent=context)

wrong = {}
for line in json.load(sys.stdin):
    try:
        parse(line)
    except click.exceptions.Exit:
        pass
    except (click.ClickException, ValueError) as error:
        wrong[line] = error.format_message() if isinstance(error, click.ClickException) else str(error)
json.dump(wrong, sys.stdout)
"""


def _run(arguments: list[str], stdin: str = "") -> str:
    # In a process of its own: help is translated when a module is imported, and other tests speak other languages.
    environment = os.environ | {"SCHOOLFILTER_SCHOOL__LANGUAGE": "en", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_code(text: str) -> str:
    return INLINE.sub("", FENCED.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(_without_code(page.read_text("utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _hash, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{link}: nothing there"
        if anchor:
            assert anchor in _anchors(target), f"{link}: no such heading"


def _command_lines(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    blocks = [block.splitlines() for language, block in FENCED.findall(text) if language in {"sh", "console", "text"}]
    spans = INLINE.findall(FENCED.sub("", text))
    lines = [line for block in blocks for line in block] + spans
    return [found[1] for line in lines if "…" not in line and (found := COMMAND.match(line.strip()))]


def test_every_command_in_the_docs_exists_with_these_options() -> None:
    # docs/commands.md is made from the commands themselves: its "Usage" lines are no examples.
    lines = {page: _command_lines(page) for page in PAGES if page.name != "commands.md"}
    every = sorted({line for found in lines.values() for line in found})
    assert len(every) > 10
    wrong = json.loads(_run(["-c", PARSE_ALL], json.dumps(every)))
    told = [
        f"{page.relative_to(ROOT)}: schoolfilter {line}: {wrong[line]}"
        for page, found in lines.items()
        for line in found
        if line in wrong
    ]
    assert told == []


def test_the_command_page_is_current() -> None:
    made = _run(["deploy/command_pages.py"])
    assert (ROOT / "docs/commands.md").read_text("utf-8") == made, (
        "expected docs/commands.md as the commands' help is now; "
        "make it anew: .venv/bin/python deploy/command_pages.py >docs/commands.md"
    )


def test_the_command_page_holds_every_command() -> None:
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    names = re.findall(r'^    "([a-z]+)": "cli', (ROOT / "cli/main.py").read_text("utf-8"), re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if f"\n## schoolfilter {name}\n" not in page] == []


@pytest.mark.parametrize("language", ["ru", "kk", "ky"])
def test_the_short_guides_use_the_words_of_the_schools(language: str) -> None:
    words = {
        "ru": ["директор", "приказ", "ответственное лицо", "«белый» список"],
        "kk": ["директор", "бұйрық", "жауапты тұлға", "«ақ» сайттар тізімі"],
        "ky": ["директор", "буйрук", "жооптуу адам", "«ак» сайттардын тизмеси"],
    }
    guide = (ROOT / f"docs/{language}/README.md").read_text("utf-8").lower()
    assert [word for word in words[language] if word.lower() not in guide] == []
