"""nextchar from Python: `nextchar.run`, `nextchar.read_run`, and what a notebook shows."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import hydra
import pytest
from example_run import example_run
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.version import getbase
from launching import TINY, environment

import nextchar
from nextchar import api, plots, results
from nextchar.report import notebook
from nextchar.report.table import headline_table


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with play.txt and outputs of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NEXTCHAR_OUTPUTS", "outputs")
    monkeypatch.setattr("nextchar.plots.draw_all", lambda run, folder: plots.Drawn())
    return folder


def test_import_alone_loads_next_to_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import nextchar\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})\n"
        "assert set(nextchar.__all__) <= set(dir(nextchar))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    heavy = {"hydra", "labml", "matplotlib", "numpy", "omegaconf", "torch"}
    assert not heavy & set(ended.stdout.split())
    assert len(ended.stdout.split()) < 10


def test_reading_a_run_and_showing_it_needs_neither_torch_nor_matplotlib(tiny_run: Path) -> None:
    code = (
        "import sys, nextchar; run = nextchar.read_run(sys.argv[1]); run._repr_html_()\n"
        "print(sorted({'torch', 'labml', 'matplotlib', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tiny_run)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "[]"


def test_every_public_name_is_there_and_explained() -> None:
    for name in nextchar.__all__:
        assert getattr(nextchar, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nextchar.nonsense  # noqa: B018


def test_a_run_is_computed_and_then_read_back(here: Path, capsys: pytest.CaptureFixture) -> None:
    first = nextchar.run(*TINY)
    assert "training  12/12" in capsys.readouterr().err
    again = nextchar.run(*TINY)
    said = capsys.readouterr()
    assert said.err.startswith("finished on ")
    assert said.out == ""
    assert (again.folder, again.manifest, again.metrics, again.samples) == (
        *(first.folder, first.manifest, first.metrics, first.samples),
    )
    assert first.manifest["command"].startswith("nextchar-run experiment=smoke name=tiny ")
    for name in (first.folder, str(first.folder), first.folder.name, "outputs/latest"):
        found = nextchar.read_run(name)
        assert (found.metrics, found.training) == (first.metrics, first.training)
        assert found.folder == here.resolve() / first.folder


def test_the_command_line_makes_the_same_run(here: Path, tiny_run: Path) -> None:
    made = nextchar.run(*TINY)
    assert made.folder.name == tiny_run.name
    hashes = results.read_json(tiny_run / results.MANIFEST)["sha256"]
    assert made.manifest["sha256"] == hashes


def test_a_run_within_an_event_loop_and_another_hydra_application(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cell() -> nextchar.Run:
        return nextchar.run(*TINY, "seed=1")

    GlobalHydra.instance().clear()
    # The other tests of this process need the store as it was.
    monkeypatch.setattr(ConfigStore.instance(), "repo", dict(ConfigStore.instance().repo))
    ConfigStore.instance().store(name="schema", node={"theirs": 1})
    theirs = ConfigStore.instance().load("schema.yaml").node
    with hydra.initialize(config_path=None, version_base="1.2"):
        instance, initialised, version = GlobalHydra.instance(), GlobalHydra().hydra, getbase()
        assert asyncio.run(cell()).config["seed"] == 1
        with pytest.raises(nextchar.ConfigError):
            nextchar.run("nonsense=1")
        assert GlobalHydra.instance() is instance
        assert instance.hydra is initialised is not None
        assert getbase() == version
        assert ConfigStore.instance().load("schema.yaml").node == theirs
        assert hydra.compose(overrides=["+key=1"]) == {"key": 1}


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("training.steps=0", "training.steps=0: must be at least 1"),
        ("training.stps=1", "training.stps"),
        ("training.steps=many", "many"),
        ("experiment=nonsense", "there are "),
        ("training=null", "Config group override must be"),
        ("name=a~b~", "needs quotes"),
        ("decoding.samplers=[greedi]", "greedi"),
        ("corpus.path=none.txt", "none.txt"),
    ],
)
def test_a_mistake_is_an_exception_of_one_line(here: Path, override: str, says: str) -> None:
    with pytest.raises(nextchar.ConfigError) as raised:
        nextchar.run(*TINY, override)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in here.iterdir()] == ["play.txt"]


def test_what_is_no_finished_run_is_an_exception(here: Path) -> None:
    for name, kind in (("runs/half", "no finished run"), ("sweeps/grid", "is a sweep")):
        folder = here / "outputs" / name
        folder.mkdir(parents=True)
        (folder / ("sweep.json" if kind == "is a sweep" else "config.yaml")).touch()
        with pytest.raises(nextchar.ConfigError, match=f"path={folder.name}: {kind}"):
            nextchar.read_run(folder.name)
    with pytest.raises(nextchar.ConfigError, match="RUN=nonsense: no run, sweep or model"):
        nextchar.read_run("nonsense")


# Tables


def test_tables_become_data_frames(here: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="to_pandas() needs pandas, which is optional")
    run = nextchar.run(*TINY)
    metrics = run.metrics.to_pandas()
    assert isinstance(metrics, pandas.DataFrame)
    assert list(metrics) == ["sampler", "metric", "value", "low", "high", "n", "unit"]
    assert len(metrics) == len(run.metrics)
    assert metrics.value.tolist() == [row.value for row in run.metrics]
    assert run.samples.to_pandas().text.tolist() == [sample.text for sample in run.samples]
    assert run.training.to_pandas().step.iloc[-1] == 12
    assert run.differences.to_pandas().holm.between(0, 1).all()
    assert run.families.to_pandas().empty


def test_without_pandas_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^to_pandas\(\) needs pandas: pip install pandas$"):
        api.Rows().to_pandas()


# The notebook


class Cells(HTMLParser):
    """The texts of an HTML table, row by row; fails for a tag that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.bold: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data
        if "b" in self._open:
            self.bold.append(data)


def test_a_notebook_shows_the_comparison_with_intervals(here: Path) -> None:
    run = nextchar.run(*TINY)
    cells = Cells(run._repr_html_())
    assert cells.rows[0][:2] == ["sampler", "bits/char"]
    assert [row[0] for row in cells.rows[1:]] == ["greedy", "temperature=0.7 top_p=0.9", "human"]
    assert len({len(row) for row in cells.rows}) == 1
    assert "±" in cells.rows[1][1] or "[" in cells.rows[1][1]
    closest = [cell for row in headline_table(run).rows for cell in row.cells if cell.closest]
    assert len(cells.bold) == len(closest)
    assert repr(run) == f"<nextchar.Run {run.folder}: greedy, temperature=0.7 top_p=0.9, human>"


def test_what_a_notebook_shows_is_escaped_and_light(tmp_path: Path) -> None:
    label = "<script>alert(1)</script> & co"
    run = example_run(tmp_path / "<b>name", (label, "greedy"))
    page = notebook.as_html(run)
    assert "<script" not in page
    assert "<b>name" not in page
    assert Cells(page).rows[1][0] == label
    assert len(notebook.as_html(example_run(tmp_path))) < 20_000
