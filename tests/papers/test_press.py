"""The press: what it refuses, and what its output depends on."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst

from papers import press as press_module
from papers.press import TEMPLATES, PaperError, press
from tests.papers.sheets import fonts_of, text_of

MOMENT = datetime(2026, 9, 2, 4, 30, tzinfo=UTC)


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(press_module, "TEMPLATES", tmp_path)
    return tmp_path


def test_a_template_that_typst_refuses_is_told_with_the_next_step(templates: Path) -> None:
    (templates / "broken.typ").write_text('#panic("no ink")')
    with pytest.raises(PaperError, match=r"The paper broken cannot be printed: .*no ink.*install it again"):
        press("broken", {}, "en", MOMENT)


def test_a_template_that_is_missing_is_told(templates: Path) -> None:
    with pytest.raises(PaperError, match="The paper absent cannot be printed"):
        press("absent", {}, "en", MOMENT)


def test_a_template_cannot_read_outside_its_folder(templates: Path) -> None:
    (templates / "spy.typ").write_text('#read("/../../../etc/passwd")')
    with pytest.raises(PaperError, match="The paper spy cannot be printed"):
        press("spy", {}, "en", MOMENT)


def test_values_reach_the_template_whole_and_as_text(templates: Path) -> None:
    (templates / "echo.typ").write_text(
        "#let v = json(bytes(sys.inputs.values))\n"
        "#assert(v.number == 7 and v.yes == true and v.none == none)\n"
        "#v.language #v.rows.at(1).text"
    )
    hostile = '"],"rows":[] } #panic() \\u0041 ${x}'
    values = {"number": 7, "yes": True, "none": None, "rows": [{"text": "first"}, {"text": hostile}]}
    assert " ".join(text_of(press("echo", values, "kk", MOMENT)).split()) == f"kk {hostile}"


def test_fonts_of_the_machine_are_not_used(templates: Path) -> None:
    # poppler, which reads these papers, brings DejaVu Serif with it.
    assert "DejaVu Serif" in typst.Fonts().families()
    (templates / "borrowed.typ").write_text('#set text(font: "DejaVu Serif")\nwords')
    assert list(fonts_of(press("borrowed", {}, "en", MOMENT))) == ["LibertinusSerif-Regular-Identity-H"]


def test_no_template_asks_for_a_package_or_a_file_of_another_folder() -> None:
    sources = {path.name: path.read_text("utf-8") for path in TEMPLATES.glob("*.typ")}
    assert sources
    assert [name for name, source in sources.items() if "@" in source or "read(" in source or '"/' in source] == []


def test_equal_values_give_equal_bytes_whatever_the_machine_is_set_to(tmp_path: Path) -> None:
    script = (
        "import sys; from papers.order_sheet import order_sheet_pdf; from tests.papers.sheets import ORDER; "
        "sys.stdout.buffer.write(order_sheet_pdf(ORDER, 'kk'))"
    )
    settings = [
        {"TZ": "Asia/Almaty", "LANG": "C", "PYTHONHASHSEED": "1", "HOME": str(tmp_path)},
        {"TZ": "America/New_York", "LANG": "ru_RU.UTF-8", "PYTHONHASHSEED": "2", "SOURCE_DATE_EPOCH": "1"},
    ]
    root = Path(__file__).parents[2]
    printed = [
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, **each}, cwd=root, capture_output=True, check=True
        ).stdout
        for each in settings
    ]
    assert printed[0].startswith(b"%PDF-")
    assert printed[0] == printed[1]
