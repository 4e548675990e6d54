"""The documents hold: links lead somewhere, examples load, every setting and command is described."""

import json
import re
from pathlib import Path

import pytest

from workbench.cli.app import app, mode_app, models_app
from workbench.dialogue import ModeLoader
from workbench.dialogue.planning.compiling import compile_mode
from workbench.models import ModelCard
from workbench.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target


def blocks(page, *languages):
    return [body for language, body in BLOCK.findall((ROOT / page).read_text()) if language in languages]


def test_modes_in_the_tutorial_compile():
    loader, seen = ModeLoader(), {}
    for block in blocks("docs/modes.md", "yaml", "json"):
        fragment = block.startswith(("limits:", "parameters:", "turns:"))
        text = f"name: fragment\n{block}" if fragment else block
        if '"extends": "detective"' in text:
            assert json.loads(text)["extends"] in seen
            continue
        mode = loader.loads(text)
        seen[mode.name] = mode
        assert compile_mode(mode).turns
    assert {"second-opinion", "detective", "fragment"} <= seen.keys()


def test_cards_in_the_documents_are_cards():
    import tomllib

    for text in blocks("docs/models.md", "toml"):
        for name, fields in tomllib.loads(text)["models"].items():
            ModelCard(**({"name": name, "id": "openai/x"} | fields))


def test_every_setting_is_described():
    text = (ROOT / "docs" / "settings.md").read_text()
    for section in ("record", "replay", "defaults", "retry"):
        for key in type(getattr(Settings(), section)).model_fields:
            assert f"{section}.{key}" in text


def test_every_card_field_is_described():
    text = (ROOT / "docs" / "models.md").read_text()
    for field in ModelCard.model_fields.keys() - {"name"}:
        assert f"`{field}`" in text, field


def test_every_command_is_described():
    text = (ROOT / "docs" / "cli.md").read_text()
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    names |= {f"mode {command.name}" for command in mode_app.registered_commands}
    names |= {f"models {command.name}" for command in models_app.registered_commands}
    for name in names:
        assert f"`{name}" in text, name


def test_every_dependency_has_its_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reasons = (ROOT / "docs" / "dependencies.md").read_text()
    for requirement in project["dependencies"]:
        assert re.split(r"[<>=\[]", requirement)[0] in reasons


def test_pins_name_no_registry():
    for pins in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in pins.read_text()
