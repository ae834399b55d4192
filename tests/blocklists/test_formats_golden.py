"""Each parser against a file of its documented syntax: GOLDEN/FORMAT.in.txt, and what it says in FORMAT.out.tsv.

After a change on purpose: `python -m tests.blocklists.test_formats_golden` writes the .out.tsv files anew; read the
difference line by line.
"""

from pathlib import Path

import pytest

from blocklists.formats import cancelled_rules, detect, parse
from blocklists.rules import Format, Item, Rule
from policy.decision import Terms

GOLDEN = Path(__file__).parent / "golden"
_NO_TERMS = Terms()


def read(form: Format) -> list[str]:
    return (GOLDEN / f"{form}.in.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def result(form: Format) -> str:
    lines = read(form)
    rows = [_row(item) for item in parse(lines, form, cancelled=cancelled_rules(lines))]
    return "".join("\t".join(row) + "\n" for row in rows)


def _row(item: Item) -> tuple[str, ...]:
    if not isinstance(item, Rule):
        return str(item.line), "fault" if item.fault else "unused", item.expected, item.text.replace("\t", " ")
    terms = item.terms or _NO_TERMS
    conditions = [
        f"{field}={getattr(terms, field)}"
        for field in Terms.__dataclass_fields__
        if getattr(terms, field) != getattr(_NO_TERMS, field)
    ]
    row = (str(item.line), item.scope.value, "allows" if item.allows else "blocks", item.name, " ".join(conditions))
    return (*row, item.written) if item.written else row


@pytest.mark.parametrize("form", list(Format))
def test_every_line_means_what_its_format_says(form: Format) -> None:
    assert result(form) == (GOLDEN / f"{form}.out.tsv").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", list(Format))
def test_the_golden_file_is_detected(form: Format) -> None:
    assert detect(read(form)) is form


if __name__ == "__main__":
    for each in Format:
        (GOLDEN / f"{each}.out.tsv").write_text(result(each), encoding="utf-8")
