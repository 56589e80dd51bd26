"""Figures are found by themselves, and one that fails costs neither the run nor the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from example_run import SAMPLERS, example_run
from launching import TINY, real
from matplotlib.figure import Figure

from nextchar import plots
from nextchar.config import ConfigError, load_plugins
from nextchar.plots import draw_all, figure, new_figure, registry
from nextchar.report.page import write_report
from nextchar.results import MetricInfo, Run

PLUGIN = """
from nextchar.plots import figure, new_figure


@figure("spread", "Bits by <sampler>.", lambda run: f"{len(run.samplers)} rows.")
def spread(run):
    ax = new_figure(4, 3).add_subplot()
    rows = [row for row in run.metrics if row.metric == "bits_per_character"]
    ax.barh([row.sampler for row in rows], [row.value for row in rows])
    return ax.figure


@figure("broken", "", "")
def broken(run):
    return [1 / 0]


@figure("axes", "", "")
def axes(run):
    return new_figure(4, 3).add_subplot()
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What a test registers is forgotten after it."""
    before = dict(registry._registered)
    yield
    registry._registered.clear()
    registry._registered.update(before)


def test_a_figure_of_a_plugin_is_drawn_and_one_that_fails_is_told(
    tmp_path: Path, play: str
) -> None:
    (tmp_path / "play.txt").write_text(play, encoding="utf-8")
    (tmp_path / "my_figures.py").write_text(PLUGIN, encoding="utf-8")
    ended = real(tmp_path, "run", *TINY, "plugins=[my_figures.py]")
    assert ended.code == 0, ended.err
    run = (tmp_path / "outputs" / "latest").resolve()
    assert (run / "DONE").exists()
    names = {path.stem for path in (run / "plots").iterdir()}
    assert {"spread", "quality_diversity", "metrics"} <= names
    assert not {"broken", "axes"} & names
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "<figcaption>Bits by &lt;sampler&gt;.</figcaption>" in html
    assert 'aria-label="3 rows."' in html
    for said in (
        f"the figure broken could not be drawn: ZeroDivisionError: division by zero "
        f"({tmp_path / 'my_figures.py'}, line 15)",
        "the figure axes could not be drawn: TypeError: returned <Axes",
    ):
        assert [line for line in ended.lines if line.startswith(f"warning: {said}")]
        assert html.count(said.replace("<", "&lt;")) == 1


def test_a_file_in_the_folder_is_found_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "found_by_itself.py").write_text(
        PLUGIN.replace('"spread"', '"found"'), encoding="utf-8"
    )
    monkeypatch.setattr(plots, "__path__", [*plots.__path__, str(tmp_path)])
    registry.import_figures(plots.__path__)
    drawn = draw_all(example_run(tmp_path, SAMPLERS[:2]), tmp_path)
    assert "found" in [plot.name for plot in drawn.plots]


def _empty(run: Run) -> Figure | None:
    return None


def test_figures_stand_by_their_order_and_the_users_come_last(tmp_path: Path) -> None:
    figure("b", "c", "a")(lambda run: new_figure(1, 1))
    figure("a", "c", "a")(lambda run: new_figure(1, 1))
    figure("first", "c", "a", order=1)(lambda run: new_figure(1, 1))
    figure("empty", "c", "a")(_empty)
    names = [plot.name for plot in draw_all(example_run(tmp_path, SAMPLERS[:2]), tmp_path).plots]
    assert names[0] == "first"
    assert names[-3:] == ["loss_curves", "a", "b"]


def test_a_figure_for_each_group_is_named_by_it(tmp_path: Path) -> None:
    run = example_run(tmp_path, SAMPLERS[:2])
    infos = [*run.definitions.values()]
    infos[0] = replace(infos[0], group="a, <b>")
    run = replace(run, definitions={each.name: each for each in infos})
    figure("parts", "c", lambda run: f"{len(run.by_group())}", each_group=True)(
        lambda run: new_figure(1, 1)
    )
    drawn = draw_all(run, tmp_path)
    parts = {plot.name: plot.alt for plot in drawn.plots if plot.name.startswith("parts")}
    assert parts == {"parts": "1", "parts_generated_text": "1"}
    assert "metrics_generated_text" in [plot.name for plot in drawn.plots]


def test_a_caption_that_fails_is_told_as_well(tmp_path: Path) -> None:
    figure("sad", lambda run: run.nothing, "a")(lambda run: new_figure(1, 1))
    run = example_run(tmp_path, SAMPLERS[:2])
    drawn = draw_all(run, tmp_path)
    (warning,) = drawn.warnings
    assert warning.startswith("the figure sad could not be drawn: AttributeError: ")
    assert warning in write_report(run, drawn).read_text(encoding="utf-8").replace("&#39;", "'")
    assert "loss_curves" in [plot.name for plot in drawn.plots]


def test_a_name_is_a_file_name_and_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'a/b' of .*test_registry.py: a name has letters"):
        figure("a/b", "c", "a")(_empty)
    with pytest.raises(ConfigError, match=r"loss_curves of .*: .*loss.py has a figure of this"):
        figure("loss_curves", "c", "a")(_empty)
    figure("twice", "c", "a")(_empty)
    with pytest.raises(ConfigError, match=r"twice of .*; rename one"):
        figure("twice", "c", "a")(_empty)


def test_an_edited_plugin_draws_its_figure_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "edited_figures.py"
    run = example_run(tmp_path, SAMPLERS[:2])
    for caption in ("Before.", "After."):
        file.write_text(PLUGIN.replace("Bits by <sampler>.", caption), encoding="utf-8")
        load_plugins(["edited_figures"])
        plots = {plot.name: plot for plot in draw_all(run, tmp_path).plots}
        assert plots["spread"].caption == caption


def test_the_definitions_of_the_run_name_its_metrics(tmp_path: Path) -> None:
    run = example_run(tmp_path, SAMPLERS[:2])
    mine = MetricInfo(name="loops", unit="share", short="mine", long="my own <metric>")
    run = replace(run, definitions={**run.definitions, "loops": mine})
    html = write_report(run, draw_all(run, tmp_path)).read_text(encoding="utf-8")
    assert "my own &lt;metric&gt;" in html
    assert "looping texts" not in html
