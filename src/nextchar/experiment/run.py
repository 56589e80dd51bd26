"""A whole experiment: corpus, training, comparison, plots and report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nextchar import config as configs
from nextchar import plots, results, tracking
from nextchar.config import Config
from nextchar.data import corpus as corpora
from nextchar.data.corpus import Corpus
from nextchar.decoding.prompts import needed_validation
from nextchar.decoding.registry import Decoder, build_decoders, try_decoders
from nextchar.experiment import estimate, pool_seeds
from nextchar.experiment.candidates import likeliest
from nextchar.experiment.compare import Comparison, compare
from nextchar.experiment.identity import Identity, identify
from nextchar.experiment.manifest import origins
from nextchar.experiment.stored import say_of_stored
from nextchar.metrics import trial
from nextchar.metrics.catalog import definitions
from nextchar.metrics.estimators import write_sums
from nextchar.metrics.mauve import measure
from nextchar.models.base import HiddenStateModel
from nextchar.models.registry import build_model, model_class
from nextchar.report.page import write_report
from nextchar.report.play.weights import in_page
from nextchar.results import Run, TrainingRecord, provenance
from nextchar.runtime import device as devices
from nextchar.runtime import files, lock, progress
from nextchar.runtime.checked import is_finished
from nextchar.training.store import load_or_train
from nextchar.training.trainer import RecordCallback, ignore


@dataclass(frozen=True)
class _Setting:
    """What the seeds of a comparison share."""

    corpus: Corpus
    decoders: Sequence[Decoder]
    device: torch.device
    command: str
    draw_all: plots.DrawAll


def run_experiment(
    config: Config,
    command: str,
    on_record: RecordCallback = ignore,
    *,
    draw_all: plots.DrawAll | None = None,
) -> Run:
    """One comparison, computed now or read back where it is finished; `command` is for the record.

    With config.seeds it is a comparison for each of them, each a run of its own, and the run that
    pools them. `on_record` is called for every training record of the first seed; after a resume,
    earlier records are replayed. What it raises ends the run; a repeated call goes on from the last
    checkpoint. `draw_all` draws the figures, as `plots.draw_all` does by default. Processes that
    need the same run, or the same model, wait for the one that makes it.
    Raises ConfigError, before anything is written, for what can't be run.
    """
    configs.load_used(config.plugins, config.decoding.samplers)
    provenance.code()  # read now: the files may change while this runs
    results.require_latest(config.outputs)
    decoders = build_decoders(config.decoding.samplers, config.decoding.samples_per_prompt)
    device = devices.choose(config.device)
    model = model_class(config.model)
    if config.metrics.frontier:
        HiddenStateModel.require(model, "metrics.frontier=true")
    corpus = corpora.load(config.corpus)
    corpus.require(config.model.context + 1, needed_validation(config.decoding))
    estimate.require(config, decoders, len(corpus.validation))
    if config.metrics.frontier:
        measure.require(corpus, config.decoding, config.metrics)
    trial.require(config.plugins, corpus, config.decoding, config.metrics.epsilon)
    if corpus.substituted:
        progress.say(f"note: {corpus.substituted}")
    for note in corpus.notes:
        progress.say(f"note: {note}")
    setting = _Setting(corpus, decoders, device, command, draw_all or plots.draw_all)
    return _run(config, setting, on_record)


def _run(config: Config, setting: _Setting, on_record: RecordCallback) -> Run:
    """The finished run of the config. No other process fills its folder at the same time."""
    corpus = setting.corpus
    identity = identify(config, corpus.identity, substituted=bool(corpus.substituted))
    folder = config.outputs / "runs" / identity.run
    with ExitStack() as stack:
        if config.force or not results.is_whole(folder):
            devices.configure_torch(config.threads)
            # What can't be built is said before anything is written.
            model = build_model(config.model, len(corpus.vocabulary), config.seed)
            tracking.require(folder / results.LABML)
            try_decoders(setting.decoders, model, len(corpus.vocabulary), config.decoding)
            path = folder.with_name(f"{folder.name}.lock")
            stack.enter_context(lock.holding(path, f"run {folder.name}"))
        damage = [] if config.force or not is_finished(folder) else results.damage(folder)
        for each in damage:
            progress.say(f"{each}; made again")
        if damage and all(_is_drawn(each.path, folder) for each in damage):
            _finish(folder, setting)
        elif damage or config.force or not is_finished(folder):
            started = provenance.now()
            names = {"name": config.name, "run_id": identity.run_id}
            if config.seeds is None:
                names["model_id"] = identity.models[0]
                facts = _compare(config, setting, on_record, folder, identity)
            else:
                facts = _pool(config, setting, on_record, folder)
            times = {"started": started, "finished": provenance.now()}
            manifest = {**names, "command": setting.command, **facts, "times": times}
            results.write_json(folder / results.MANIFEST, manifest)
            _finish(folder, setting)
        else:
            say_of_stored(folder)
        results.point_latest(folder)
    return results.read_run(folder)


def _is_drawn(path: Path, folder: Path) -> bool:
    """Whether a file of a run is made of its other files."""
    return path == folder / results.REPORT or folder / results.PLOTS in path.parents


def _finish(folder: Path, setting: _Setting) -> None:
    """Draw the plots and the page of a run from its other files, and mark it as finished."""
    finished = results.read_unsealed(folder)
    write_report(finished, setting.draw_all(finished, folder / results.PLOTS))
    results.seal(folder)


def _pool(
    config: Config, setting: _Setting, on_record: RecordCallback, folder: Path
) -> dict[str, Any]:
    """Run every seed and write what pools them, all but the report; returns the manifest's part."""
    runs = []
    for index, part in enumerate(config.parts):
        progress.say(f"seed {part.seed}: {index + 1} of {len(config.parts)}")
        runs.append(_run(part, setting, on_record if index == 0 else ignore))
    _start(config, folder)
    pool_seeds.write(folder, config, runs)
    return pool_seeds.origins(runs, folder)


def _of_copies(compared: Comparison) -> list[str]:
    """Says on the screen, and for the manifest, which decoders wrote equal texts."""
    if not compared.copying:
        return []
    note = f"{', '.join(compared.copying)}: all samples of a prompt are the same text, so that "
    note += "decoding.samples_per_prompt=1 would tell as much of them"
    progress.say(f"note: {note}")
    return [note]


def _start(config: Config, folder: Path) -> None:
    """An empty folder with the config."""
    (folder / results.DONE).unlink(missing_ok=True)  # first: nobody takes the rest for whole
    if folder.exists():
        shutil.rmtree(folder)
    files.write_text(folder / results.CONFIG, configs.to_yaml(config))


def _compare(
    config: Config, setting: _Setting, on_record: RecordCallback, folder: Path, identity: Identity
) -> dict[str, Any]:
    """Train or load, compare, write all but the report; returns the manifest's part."""
    corpus, decoders, device = setting.corpus, setting.decoders, setting.device
    model = build_model(config.model, len(corpus.vocabulary), config.seed).to(device)
    _start(config, folder)
    with tracking.track(
        folder / results.LABML, name=config.name, config=asdict(config), comment=identity.run_id
    ) as tracker:

        def log(record: TrainingRecord) -> None:
            tracking.track_record(tracker, record)
            on_record(record)

        trained = load_or_train(
            model,
            corpus,
            config.training,
            seed=config.seed,
            folder=config.outputs / "models" / identity.models[0],
            asked=configs.to_yaml(config),
            checkpoint=config.decoding.checkpoint,
            on_record=log,
            force=config.force,
        )
        tracker.flush()
        if device.type == "mps":
            progress.say("note: device=mps has no float64, so texts are written on the cpu")
            model.to("cpu")
        compared = compare(
            model, corpus, decoders, config.decoding, config.metrics, config.seed, config.plugins
        )
        tracking.track_results(tracker, config.training.steps, compared.metrics, compared.samples)
    results.write_metrics(folder / results.METRICS, compared.metrics)
    results.write_definitions(folder, definitions(compared.metrics, config.plugins))
    for name, kind, rows in (
        (results.DIFFERENCES, results.Difference, compared.differences),
        (results.FAMILIES, results.FamilyFigure, compared.families),
        (results.TRUNCATION, results.Truncation, compared.truncation),
        (results.POSSIBLE, results.Possible, compared.possible),
    ):
        if rows:  # a table without any (no family, no known truth) has no file
            results.write_rows(folder / name, kind, rows)
    write_sums(folder / results.SUMS, compared.sums)
    if compared.curve_sums:
        write_sums(folder / results.CURVE_SUMS, compared.curve_sums)
    results.write_samples(folder / results.SAMPLES, compared.samples)
    if not in_page(config.model.kind, trained.facts["parameters"]):
        found = likeliest(model, corpus.vocabulary, compared.samples)
        results.write_candidates(folder / results.CANDIDATES, found)
    results.write_json(folder / results.TIMINGS, {"training": trained.timing, **compared.timings})
    return {
        "warnings": [*corpus.notes, *filter(None, [trained.other_code]), *_of_copies(compared)],
        **origins(model, corpus, config, trained.facts, device, compared.rows_in_a_block, folder),
        "without_exact_distribution": [each.label for each in decoders if not each.exact],
    }
