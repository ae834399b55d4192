"""docs/configuration.md names every key of settings/model.py with its default, and no other."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from settings.load import load
from settings.model import Settings

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z]+\.[a-z_]+)` \| `(.*?)` \| (.+) \|$", re.MULTILINE)


def _as_toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_as_toml(each) for each in value) + "]"
    if isinstance(value, str | Path):
        return json.dumps(str(value))
    return json.dumps(value)


def _settings() -> Iterator[tuple[str, str]]:
    for section in fields(Settings):
        holder = getattr(Settings(), section.name)
        assert is_dataclass(holder)
        for field in fields(holder):
            yield f"{section.name}.{field.name}", _as_toml(getattr(holder, field.name))


def _rows() -> list[tuple[str, str]]:
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    return [(key, default) for key, default, _meaning in ROW.findall(page)]


def test_every_key_stands_there_once_in_order_with_its_default() -> None:
    assert _rows() == list(_settings())


@pytest.mark.parametrize(
    "page", ["docs/configuration.md", "docs/router-dhcp.md", "docs/install.md", "docs/operations.md"]
)
def test_toml_examples_are_valid_settings(page: str, tmp_path: Path) -> None:
    for number, example in enumerate(re.findall(r"```toml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)):
        file = tmp_path / f"{number}.toml"
        file.write_text(example, "utf-8")
        load(file, {})


def test_the_installed_settings_file_is_valid_and_listens_on_port_53() -> None:
    settings = load(ROOT / "deploy/schoolfilter.toml", {})
    assert settings.server.listen == ("0.0.0.0:53", "[::]:53")
    assert settings.paths.state == Path("/var/lib/schoolfilter")
