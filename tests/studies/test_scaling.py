"""The scaling study: its law is found again, its counts are true, and nothing is trained twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad, minimize_scalar
from studies import pages
from studies.scaling import command, grid, law, page
from studies.scaling.forecast import AGAIN, FRESH, GPU_FLOP, UTILISATION, ScalingResult
from studies.scaling.grid import Grid
from studies.scaling.law import Law, Shape, effective_characters
from studies.scaling.plot import draw_scaling, loss_against_compute, short
from studies.scaling.rows import (
    MEASURED,
    Constant,
    Need,
    StepTime,
    Training,
    read_times,
    write_times,
)
from torch import nn
from torture.mutations import MUTATIONS, mutate

from nextchar import config, results
from nextchar.config import Config, ConfigError
from nextchar.data import corpus
from nextchar.experiment.run import run_experiment
from nextchar.models.registry import build_model
from nextchar.plots.style import new_figure

Compose = Callable[..., Config]

SHAPE = Shape(layers=4, context=128, vocabulary=65, weights=11)
TRUTH = Law(E=0.9, A=30.0, a=0.4, B=400.0, b=0.5)
WIDTHS, STEPS, TEXT = (32, 64, 96, 128), (375, 750, 1500), 1_003_854
CHARACTERS = 2048


def trained(truth: Law, shares: tuple[float, ...] = (), noise: float = 0.0) -> list[Training]:
    """The trainings of a grid, had they followed `truth` but for lognormal noise."""
    dice = np.random.default_rng(0)
    rows = []
    for share in (1.0, *shares):
        for width in WIDTHS if share == 1 else WIDTHS[1:-1]:
            for steps in STEPS if share == 1 else STEPS[1:2]:
                blocks, seen, distinct = 44 * width**2, steps * CHARACTERS, int(TEXT * share)
                loss = float(truth.loss(blocks, seen, distinct)) * np.exp(noise * dice.normal())
                flop = seen * float(SHAPE.flop_per_character(blocks))
                name = f"{width} {steps} {share}"
                best = loss
                size = (blocks + 99 * width, blocks)
                ends = (loss, best, steps, 1.0)
                rows.append(
                    Training(name, 4, width, share, steps, 0, *size, seen, distinct, flop, *ends)
                )
    return rows


@pytest.fixture(scope="module")
def result() -> ScalingResult:
    """A study whose truth has a rereading constant of 6."""
    rows = trained(replace(TRUTH, R=6.0), (0.25, 0.0625), noise=0.002)
    whole = [row for row in rows if row.share == 1]
    times = [
        StepTime(width, 44 * width**2, width * 1e8, 0.01 + 0.0005 * width, 20, 2, "a processor")
        for width in WIDTHS
    ]
    again = law.fit(rows, rereading=True, resamples=4)
    return ScalingResult(rows, times, SHAPE, CHARACTERS, law.fit(whole, resamples=4), again)


# The law


def test_a_law_is_found_again_from_the_losses_that_it_gave() -> None:
    found = law.fit(trained(TRUTH), resamples=3)
    for name in ("E", "A", "a", "B", "b"):
        assert getattr(found.law, name) == pytest.approx(getattr(TRUTH, name), rel=1e-3)
        value, low, high = found.interval(lambda each, name=name: getattr(each, name))
        assert low == pytest.approx(high, rel=1e-2), "without noise every draw has the same law"
        assert value == getattr(found.law, name)
    assert found.worst < 1e-6
    assert found.law.R is None


def test_a_rereading_constant_is_found_again() -> None:
    truth = replace(TRUTH, R=6.0)
    rows = trained(truth, (0.25, 0.0625))
    found = law.fit(rows, rereading=True, resamples=2)
    assert pytest.approx(6.0, rel=1e-3) == found.law.R
    assert pytest.approx(TRUTH.E, rel=1e-3) == found.law.E
    assert found.trainings == len(rows) == 16


def test_one_outlier_hardly_moves_the_law() -> None:
    rows = trained(TRUTH)
    rows[4] = replace(rows[4], last_loss=1.1 * rows[4].last_loss)
    found = law.fit(rows, resamples=2).law
    assert found.loss(180_000, 1e6) == pytest.approx(TRUTH.loss(180_000, 1e6), rel=2e-3)


def test_the_gradient_is_that_of_the_objective() -> None:
    search = law._Search(trained(replace(TRUTH, R=6.0), (0.25, 0.0625), noise=0.01), True)
    counts = np.arange(1.0, 17.0)
    theta = np.array([-0.1, -1.1, -1.2, 0.3, 0.4, 1.0])
    off = check_grad(
        lambda at: search._objective(at, counts)[0],
        lambda at: search._objective(at, counts)[1],
        theta,
    )
    assert off < 1e-6 * np.abs(search._objective(theta, counts)[1]).max()


def test_what_rereading_is_worth() -> None:
    U = np.array(1000.0)
    for D in (500.0, 1000.0):
        assert effective_characters(np.array(D), U, 6.0) == D, "nothing is read again"
    assert effective_characters(np.array(2000.0), U, 1e9) == pytest.approx(2000), (
        "all of it as good as new"
    )
    assert effective_characters(np.array(1e9), U, 6.0) == pytest.approx(7000), "at most U (1 + R)"
    D = np.linspace(1000, 50_000, 50)
    worth = effective_characters(D, U, 6.0)
    assert (np.diff(worth) > 0).all()
    assert (worth <= D).all()


def test_a_few_trainings_determine_no_law() -> None:
    rows = trained(TRUTH, (0.25, 0.0625))
    assert law.determines(rows, rereading=True)
    assert not law.determines([row for row in rows if row.share > 0.1], rereading=True)
    assert not law.determines([row for row in rows if row.width > 64], rereading=False)
    assert not law.determines([row for row in rows if row.steps < 1500], rereading=False)


# What a size costs


def test_flop_are_those_of_the_matrix_products(compose: Compose) -> None:
    asked = compose("experiment=smoke", "model.heads=4", "model.width=64").model
    model = build_model(asked, 65, 0)
    products = sum(each.weight.numel() for each in model.modules() if isinstance(each, nn.Linear))
    blocks = grid.parameters_of_blocks(model)
    head = 65 * asked.width
    assert blocks == products - head
    shape = grid.shape_of(asked, 65)
    assert shape.width(blocks) == pytest.approx(asked.width)
    attention = 12 * asked.layers * asked.context * asked.width
    assert shape.flop_per_character(blocks) == pytest.approx(6 * products + attention)


@pytest.mark.parametrize("characters", [1e6, 1e9])
def test_the_best_size_has_the_least_loss_for_its_compute(characters: float) -> None:
    size = SHAPE.best_size(TRUTH, characters)
    compute = characters * float(SHAPE.flop_per_character(size))

    def loss(log_size: float) -> float:
        other = np.exp(log_size)
        return float(TRUTH.loss(other, compute / SHAPE.flop_per_character(other)))

    found = minimize_scalar(loss, bounds=(np.log(1e2), np.log(1e12)), method="bounded")
    assert np.exp(found.x) == pytest.approx(size, rel=1e-2)


def test_what_a_longer_text_needs(result: ScalingResult) -> None:
    needs = result.needs()
    assert [need.characters // TEXT for need in needs] == [1, 10, 100, 1000]
    for before, after in pairwise(needs):
        assert after.parameters > before.parameters
        assert after.loss < before.loss
        assert after.flop > 10 * before.flop
    for need in needs:
        assert need.gpu_hours == pytest.approx(need.flop / (3600 * GPU_FLOP * UTILISATION))
        assert need.cpu_hours == pytest.approx(need.flop / (3600 * 128e8 / 0.074))
        assert need.flop_low <= need.flop_high
    untimed = replace(result, times=[]).needs()
    assert all(np.isnan(need.cpu_hours) for need in untimed)
    assert untimed[-1].gpu_hours == needs[-1].gpu_hours


def test_the_better_law_predicts(result: ScalingResult) -> None:
    assert result.knows_rereading
    assert result.basis == AGAIN
    assert replace(result, again=None).basis == FRESH
    assert replace(result, again=None).needs() != result.needs()


# The grid


def test_the_middle_sizes_see_shares_of_the_text(compose: Compose) -> None:
    configs = list(Grid((32, 48, 64, 96), (10, 20, 30), (0.5, 0.25)).configs(compose()))
    assert len(configs) == len({repr(asked) for asked in configs}) == 12 + 4
    shared = [asked for asked in configs if asked.corpus.train_share < 1]
    assert {(asked.model.width, asked.training.steps) for asked in shared} == {(48, 20), (64, 20)}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (((32, 64), (1, 2, 3), ()), "widths=32 64: must be at least 3"),
        (((32, 64, 96), (3, 2, 1), ()), "steps=3 2 1: must be"),
        (((32, 64, 96), (1, 2, 3), (1.0,)), "shares=1.0: must lie between"),
    ],
)
def test_a_grid_that_determines_nothing(
    arguments: tuple[tuple[float, ...], ...], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        Grid(*arguments)  # type: ignore[arg-type]


def test_only_our_transformers_flop_are_counted(compose: Compose) -> None:
    with pytest.raises(ConfigError, match=r"model\.kind=gpt2: must be transformer"):
        grid.run(compose("model=nanogpt_cpu"), Grid((32, 48, 64), (1, 2, 3), ()))


# End to end

TINY = [
    *("experiment=smoke", "threads=1", "corpus.characters=6000", "training.log_every=2"),
    *("--widths", "8", "16", "24", "32", "--steps", "6", "12", "18"),
    *("--shares", "0.2", "0.1", "--resamples", "2"),
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with nothing but the page, between whose markers nothing stands yet."""
    monkeypatch.setattr(law, "ITERATIONS", 30)  # losses of a dozen steps follow no law
    monkeypatch.setenv("NEXTCHAR_OUTPUTS", str(tmp_path / "outputs"))
    (tmp_path / "docs").mkdir()
    begin, end = pages.markers(page.PROGRAM)
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    (tmp_path / command.PAGE).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_study_from_end_to_end(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(root, TINY)
    folder = root / "outputs" / "scaling"
    trainings: list[Training] = results.read_rows(Training, folder / "trainings.csv")
    assert len(trainings) == 12 + 4
    one = next(row for row in trainings if (row.width, row.share, row.steps) == (16, 0.1, 12))
    assert (one.distinct, one.characters) == (540, 12 * 8 * 32)
    models = root / "outputs" / "models"
    assert {path.name for path in models.iterdir()} == {row.model_id for row in trainings}
    records = results.read_training(models / one.model_id / results.TRAINING)
    assert records[-1].val_loss == one.last_loss
    constants: list[Constant] = results.read_rows(Constant, folder / "fits.csv")
    assert [row.name for row in constants] == [*"EAaBb", *"EAaBbR"]
    needs: list[Need] = results.read_rows(Need, folder / "needs.csv")
    assert [need.factor for need in needs] == [1, 10, 100, 1000]
    assert (root / "docs" / "figures" / "scaling.svg").exists()
    written = (root / command.PAGE).read_text(encoding="utf-8")
    begin, end = pages.markers(page.PROGRAM)
    assert written.startswith(f"before\n{begin}\n")
    assert written.endswith(f"{end}\nafter\n")
    assert "\nold\n" not in written
    assert "](figures/scaling.png)" in written
    assert f"{one.last_loss:.4f}" in written
    assert "Not measured yet" in written
    said = capsys.readouterr()
    assert sum("validation loss" in line for line in said.err.splitlines()) == 16

    # Again, with times: nothing is trained, and the losses are the same.
    stamps = {path: path.stat().st_mtime_ns for path in models.rglob("*")}
    command.main(root, [*TINY, "--time", "2"])
    assert {path: path.stat().st_mtime_ns for path in models.rglob("*")} == stamps
    assert results.read_rows(Training, folder / "trainings.csv") == trainings
    times: list[StepTime] = results.read_rows(StepTime, folder / "times.csv")
    assert [row.width for row in times] == [8, 16, 24, 32]
    assert times[0].flop == pytest.approx(trainings[0].flop / trainings[0].steps)
    assert "Not measured yet" not in (root / command.PAGE).read_text(encoding="utf-8")
    assert read_times(folder) == times


@pytest.mark.parametrize("how", MUTATIONS)
def test_damaged_times_are_not_used(tmp_path: Path, how: str) -> None:
    measured = [StepTime(32, 3072, 1e9, 0.25, 20, 2, "x86_64")]
    assert read_times(tmp_path) == []
    for seed in range(10):
        write_times(tmp_path, measured)
        assert read_times(tmp_path) == measured
        mutate(tmp_path / MEASURED, how, seed)
        with pytest.raises(ConfigError, match=r"times\.json: .*; measure again with --time"):
            read_times(tmp_path)


def test_a_model_is_the_one_that_a_run_would_train(root: Path, compose: Compose) -> None:
    asked = compose("experiment=smoke", "threads=1", "training.steps=4", "corpus.train_share=0.5")
    asked = replace(asked, paths=replace(asked.paths, outputs=str(root / "outputs")))
    text = corpus.load(asked.corpus)
    row = grid.train(asked, text)
    assert row.model_id == config.model_id(asked, text.identity)
    run = run_experiment(asked, "test")
    assert run.manifest["model_id"] == row.model_id
    assert run.manifest["model"]["validation_loss"] == row.last_loss
    assert run.manifest["model"]["parameters"] == row.parameters


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--time", "-1"], "time=-1"), (["--resamples", "1"], "resamples=1")],
)
def test_what_the_program_does_not_do(root: Path, arguments: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        command.main(root, arguments)
    assert not (root / "outputs").exists()


# The page and the figure


def test_the_page_says_what_is_not_determined(result: ScalingResult) -> None:
    known = page.section(result, "figure.png")
    assert "do not determine" not in known
    assert "R = " in known
    assert "under the law of text read again" in " ".join(known.split())
    without = page.section(replace(result, again=None), "figure.png")
    assert "do not determine what characters are worth that are read again" in " ".join(
        without.split()
    )
    lost = [replace(each, E=law.FLOOR[0], R=law.REREADING[1]) for each in result.fresh.resampled]
    unknown = replace(
        result,
        fresh=replace(result.fresh, resampled=lost),
        again=replace(result.again, resampled=lost) if result.again else None,
    )
    page_text = " ".join(page.section(unknown, "figure.png").split())
    assert "**These trainings do not determine E** by the law of fresh text" in page_text
    assert "**These trainings do not determine R**" in page_text
    assert "under the law of fresh text" in page_text


def test_the_same_study_is_drawn_to_the_same_bytes(result: ScalingResult, tmp_path: Path) -> None:
    first, second = (draw_scaling(result, tmp_path / name, "scaling") for name in ("a", "b"))
    for suffix in (".png", ".svg"):
        assert first.with_suffix(suffix).read_bytes() == second.with_suffix(suffix).read_bytes()
    bare = replace(result, times=[], again=None)
    assert draw_scaling(bare, tmp_path / "c", "scaling").exists()


def test_no_size_is_below_the_envelope(result: ScalingResult) -> None:
    ax = new_figure(4, 3).add_subplot()
    loss_against_compute(result.whole, result.fresh, result.shape, ax)
    envelope, *others = [line.get_xydata() for line in ax.get_lines()]
    curves = [each for each in others if len(each) > 10]
    assert len(curves) == len(WIDTHS)
    for curve in curves:
        least = np.interp(curve[:, 0], envelope[:, 0], envelope[:, 1])
        inside = (curve[:, 0] > envelope[0, 0]) & (curve[:, 0] < envelope[-1, 0])
        assert (curve[inside, 1] >= least[inside] - 2e-3).all()


def test_short_numbers() -> None:
    assert [short(value) for value in (45_056, 1_536_000, 999.9, 1e9)] == [
        "45.1k",
        "1.54M",
        "1k",
        "1B",
    ]


def test_losses_are_of_the_same_text_for_every_share(compose: Compose) -> None:
    base = compose("experiment=smoke")
    whole, half = (corpus.load(replace(base.corpus, train_share=share)) for share in (1.0, 0.5))
    assert torch.equal(whole.validation, half.validation)
    assert whole.validation_text == half.validation_text
    assert half.train_text == whole.train_text[: len(whole.train_text) // 2]
    assert whole.vocabulary == half.vocabulary


def test_trainings_that_overfit_are_shown_and_not_fitted(result: ScalingResult) -> None:
    row = next(row for row in result.trainings if row.share < 1)
    assert not row.overfits
    worse = replace(row, last_loss=row.last_loss + 0.1)
    assert worse.overfits
    assert not replace(worse, share=1.0).overfits
    rows = [worse if each is row else each for each in result.trainings]
    page_text = " ".join(page.section(replace(result, trainings=rows), "f").split())
    assert "all trainings but the 1 on shares" in page_text
    assert f"{worse.last_loss:.4f} ({worse.best_loss:.4f})" in page_text
