"""What the pages name exists: files, links, keys of the config; and the picture shows the code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image
from studies import glossary, rooms

from nextchar.config import MODEL_KINDS, PARTS, Config

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "outputs" / "README.md"])
PICTURE = ROOT / "docs" / "figures" / "architecture.png"
FOLDERS = (ROOT, ROOT / "src" / "nextchar", ROOT / "experiments", ROOT / "src")
"""Where a path in a page may begin."""
OF_THE_READER = {"file.py", "my.py", "my_sampler.py", "my_metrics.py", "my_plot.py", "my_model.py"}
"""Files that a page asks its reader to write."""
OF_THE_MANIFEST = {"corpus.substituted", "model.spread"}
"""Keys of manifest.json and of the tutorial's model, not of the config."""


def code(page: Path) -> str:
    """What stands in backticks, inline or as a block."""
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```.*?^```|`[^`\n]+`", text, re.M | re.S))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [each for each in targets if not (page.parent / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"(?<![\w/.-])([\w-]+(?:/[\w-]+)*\.(?:py|yaml))\b", code(page)))
    missing = [
        path
        for path in sorted(named)
        if Path(path).name not in OF_THE_READER | {"config.yaml"}
        and not any((folder / path).exists() for folder in FOLDERS)
        and not any((ROOT / "experiments").rglob(path))
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_keys_that_are_named_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("it names keys that are gone")
    sections = [*PARTS.items(), *(("model", kind) for kind in MODEL_KINDS.values())]
    known = {f"{part}.{each.name}" for part, kind in sections for each in fields(kind)}
    assert set(PARTS) <= {each.name for each in fields(Config)}
    parts = "|".join(sorted({*PARTS} - {"paths"}))
    named = set(re.findall(rf"(?<![\w./])((?:{parts})\.[a-z_]+)\b(?!\()", code(page)))
    files = {key for key in named if key.endswith((".csv", ".py", ".json", ".svg", ".png", ".md"))}
    assert sorted(named - files - known - OF_THE_MANIFEST) == []


def test_the_glossary_says_what_the_metrics_say() -> None:
    written = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert written == glossary.page(), "run python experiments/glossary.py"


# The picture


def test_arrows_lead_down_and_all_rooms_are_there() -> None:
    graph = rooms.imports()
    folders = {path.parent.name for path in (ROOT / "src" / "nextchar").glob("*/__init__.py")}
    assert folders <= set(graph)
    rows = rooms.rows(graph)
    assert all(rows[room] > rows[other] for room, own in graph.items() for other in own)
    reduced = rooms.reduced(graph)

    def reached(room: str) -> set[str]:
        return {room}.union(*map(reached, reduced[room]))

    for room, own in graph.items():
        assert reduced[room] <= own <= reached(room), (
            "an arrow that is left out follows from others"
        )


def test_the_same_rooms_are_drawn_to_the_same_bytes(tmp_path: Path) -> None:
    first, second = (rooms.draw(tmp_path / name) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()


def test_the_picture_shows_the_imports_of_today() -> None:
    with Image.open(PICTURE) as picture:
        drawn = picture.info["Description"]
    assert drawn == rooms.description(rooms.reduced(rooms.imports())), "run make architecture"
