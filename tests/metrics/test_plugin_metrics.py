"""A plugin's metric is like one of ours: in every table, plot and page, and wrong in one line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from launching import TINY, Ended, real, run
from shapes import corpus

from nextchar.config import ConfigError, DecodingConfig, load_plugins
from nextchar.metrics import catalog, trial

DECODING = DecodingConfig(
    samplers=["greedy"],
    prompts=3,
    prompt_length=4,
    samples_per_prompt=1,
    length=20,
    checkpoint="last",
)

PLUGIN = '''
from nextchar.metrics import GeneratedTexts, metric
from nextchar.metrics.repetition import distinct

@metric("capitals", "share", "capi-\\ntals", "capital letters", ("none", "all"), headline=True)
def capitals(texts: GeneratedTexts) -> list[float]:
    """Share of the characters
    that are capital letters.

    Not in the description."""
    return [sum(map(str.isupper, text)) / len(text) for text in texts.texts]

@metric("letters_{n}", "ratio", long="distinct letters, {n}", n=(1, 2), kind="sets")
def letters(texts, n):
    return [distinct(text, n) for text in texts.texts]

@metric("chance", "share", long="chance of human text", kind="positions", group="chances")
def chance(found):
    return found.target
'''


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, play: str) -> tuple[Ended, Path]:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "play.txt").write_text(play, encoding="utf-8")
    (folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    ended = real(folder, "run", *TINY, "plugins=[mine.py]")
    assert ended.code == 0, ended.err
    return ended, (folder / "outputs" / "latest").resolve()


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_a_plugins_metrics_are_in_every_table_plot_and_page(ended: tuple[Ended, Path]) -> None:
    said, folder = ended
    values = {(row["sampler"], row["metric"]): row for row in rows(folder / "metrics.csv")}
    lines = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    samples = [json.loads(line) for line in lines]
    for label in ("greedy", "temperature=0.7 top_p=0.9", "human"):
        own = [each["text"] for each in samples if each["sampler"] == label]
        row = values[label, "capitals"]
        share = sum(sum(map(str.isupper, text)) / len(text) for text in own) / len(own)
        assert float(row["value"]) == pytest.approx(share)
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
        assert (label, "letters_1") in values
        assert (label, "letters_2") in values
    assert 0 < float(values["greedy", "chance"]["value"]) < 1
    assert ("human", "chance") not in values
    compared = {row["metric"] for row in rows(folder / "differences.csv")}
    assert {"capitals", "letters_1", "letters_2", "chance"} <= compared
    infos = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert infos["capitals"] == {
        "name": "capitals",
        "unit": "share",
        "short": "capi-\ntals",
        "long": "capital letters",
        "description": "Share of the characters that are capital letters.",
        "ends": ["none", "all"],
        "bounds": [0, 1],
        "group": "other metrics",
        "headline": True,
    }
    assert infos["letters_2"]["long"] == "distinct letters, 2"
    assert "tals" in said.out, "a headline is in the terminal's table"
    assert {"metrics_other_metrics.png", "metrics_chances.png"} <= {
        each.name for each in (folder / "plots").iterdir()
    }
    page = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("capital letters", "chance of human text", "metrics_chances"):
        assert words in page


def test_metrics_stay_in_the_runs_that_name_their_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.py").write_text(PLUGIN, encoding="utf-8")
    Path("two.py").write_text(PLUGIN, encoding="utf-8")
    load_plugins(["one.py", "two.py"])
    names = {each.info.name for each in catalog.defined(["one.py"])}
    assert {"capitals", "distinct_1"} <= names
    assert "capitals" not in {each.info.name for each in catalog.defined()}
    with pytest.raises(
        ConfigError, match=r"two\.py: the metric 'capitals' is defined in .*one\.py"
    ):
        catalog.defined(["one.py", "two.py"])
    Path("one.py").write_text(PLUGIN.replace("capitals", "majuscules"), encoding="utf-8")
    load_plugins(["one.py"])
    names = {each.info.name for each in catalog.defined(["one.py"])}
    assert "majuscules" in names
    assert "capitals" not in names


@pytest.mark.parametrize(
    ("kind", "returned", "says"),
    [
        ("texts", "1 / 0", "ZeroDivisionError: division by zero"),
        ("texts", "[1.0]", r"it returned shape \(1,\), and needs \(6,\)"),
        ("texts", "3.0", r"it returned shape \(\), and needs \(6,\)"),
        ("texts", "[float('inf')] * 6", "an infinite number"),
        ("texts", "([1.0] * 6, [-1.0] * 6)", "a denominator below 0"),
        ("texts", "['many'] * 6", "ValueError"),
        ("sets", "[1.0] * 6", r"it returned shape \(6,\), and needs \(3,\)"),
        ("positions", "found.nothing", "AttributeError"),
        ("positions", "found.probabilities", r"it returned shape \(10, \d+\), and needs \(10,\)"),
    ],
)
def test_a_metric_that_fails_is_one_line_that_names_it_and_its_file(
    tmp_path: Path, kind: str, returned: str, says: str
) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "from nextchar.metrics import metric\n"
        f"@metric('mine', 'share', kind='{kind}')\ndef mine(found):\n    return {returned}\n",
        encoding="utf-8",
    )
    load_plugins([str(file)])
    with pytest.raises(ConfigError, match=rf"wrong\.py: metric 'mine': .*{says}") as raised:
        trial.require([str(file)], corpus(), DECODING, 1e-4)
    assert "\n" not in str(raised.value)


def test_names_are_unique_and_kinds_and_levels_are_known(tmp_path: Path) -> None:
    for content, says in (
        ("@metric('loops', 'share')", "the metric 'loops' is defined in .*repetition.py too"),
        ("@metric('m', 'share')\n@metric('m', 'share')", "defines the metric 'm' twice"),
        ("@metric('m', 'share', kind='text')", "kind='text': must be one of texts, sets,"),
        ("@metric('m', 'share', kind='written')", "kind='written': must be one of texts, sets,"),
        ("@metric('m', 'share', level='all')", "level='all': must be one of core, full"),
    ):
        file = tmp_path / f"p{len(content)}.py"
        file.write_text(
            f"from nextchar.metrics import metric\n{content}\ndef f(texts):\n    return None\n",
            encoding="utf-8",
        )
        with pytest.raises(ConfigError, match=says):
            load_plugins([str(file)])
            catalog.defined([str(file)])


def test_a_wrong_metric_stops_a_run_before_training(folder: Path) -> None:
    (folder / "wrong.py").write_text(
        "from nextchar.metrics import metric\n@metric('mine', 'share')\ndef mine(texts):\n"
        "    return texts.no_such_thing\n",
        encoding="utf-8",
    )
    ended = run(folder, *TINY, "plugins=[wrong.py]")
    assert ended.code == 2
    assert "wrong.py: metric 'mine': AttributeError" in ended.lines[-1]
    assert not (folder / "outputs" / "models").exists()


def test_importing_the_decorator_and_reading_a_run_need_no_torch() -> None:
    code = "import sys; import nextchar.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
