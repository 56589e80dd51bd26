"""Which jobs a sweep has: Hydra sweepers, a grid of all combinations or a search.

Hydra imports this at every start, so optuna is imported only when a search begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hydra_plugins.nextchar_sweeps.launchers import SweepLauncher
from nextchar.config import ConfigError
from nextchar.results.sweep import FINISHED, PRUNED, Plan, State, is_finished, read_job
from nextchar.sweeps import scheduler, summarize
from nextchar.sweeps.jobs import Job, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from nextchar.sweeps import optuna_study

AIMS = ("minimize", "maximize", "human")


class Grid(BasicSweeper):
    """All combinations, as Hydra's own sweeper makes them; an impossible one fails alone."""

    def __init__(self, params: dict[str, str]) -> None:
        super().__init__(max_batch_size=None, params=params)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Nothing: the launcher composes each job once, and an impossible one fails alone."""


class Search(Sweeper):
    """Points chosen by optuna, each by the results of the ones before it."""

    def __init__(
        self,
        params: dict[str, str],
        objectives: dict[str, str],
        n_trials: int,
        method: str,
        startup_trials: int,
        pruning: bool,
    ) -> None:
        if not objectives or not set(objectives.values()) <= set(AIMS):
            raise ConfigError(
                f"hydra.sweeper.objectives={dict(objectives)}: name metrics, each with its aim, "
                f"one of {', '.join(AIMS)}"
            )
        for name, value in (("n_trials", n_trials), ("startup_trials", startup_trials)):
            if not isinstance(value, int) or value < 1:
                raise ConfigError(
                    f"hydra.sweeper.{name}={value}: must be a whole number of at least 1"
                )
        self._params, self._objectives = dict(params), dict(objectives)
        self._total, self._method = n_trials, method
        self._startup, self._pruning = startup_trials, pruning

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra."""
        self._parser = OverridesParser.create(hydra_context.config_loader)
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        if not isinstance(launcher, SweepLauncher):
            raise ConfigError(
                f"hydra/launcher={type(launcher).__name__}: a search needs one of nextchar's: "
                "launcher=sequential, parallel, ray or slurm"
            )
        self._launcher = launcher

    def sweep(self, arguments: list[str]) -> list[JobReturn]:
        """Start or continue a search, until n_trials points are tried."""
        if find_spec("optuna") is None:
            raise ConfigError(
                "sweep=search: optuna is not installed; pip install 'nextchar[sweep]'"
            )
        from nextchar.sweeps import optuna_study

        space, fixed = self._space(arguments)
        launcher = self._launcher
        base = launcher.composer.config(fixed)
        with scheduler.exclusive(launcher.folder):
            study = optuna_study.Search(
                launcher.folder,
                space=space,
                aims=self._objectives,
                fixed=launcher.composer.identity(base).run,
                seed=base.seed,
                method=self._method,
                startup=self._startup,
                pruning=self._pruning,
                planned=partial(summarize.points, launcher.folder),
                anew=base.force,
            )
            self._search(study, list(space), fixed)
        return []

    def _space(self, arguments: Sequence[str]) -> tuple[dict[str, BaseDistribution], list[str]]:
        """The parameters to search, by key, and the overrides that all trials share."""
        from nextchar.sweeps import search_space

        given = [f"{name}={value}" for name, value in self._params.items()]
        parsed = self._parser.parse_overrides([*given, *arguments])
        # As in Hydra's own sweeper, a later override of a key replaces an earlier one.
        overrides = {each.get_key_element(): each for each in parsed}
        swept = {key: each for key, each in overrides.items() if each.is_sweep_override()}
        space = {key: search_space.distribution(each) for key, each in swept.items()}
        if not space:
            raise ConfigError(
                "sweep=search: nothing to search; give parameters as in "
                "'training.learning_rate=tag(log, interval(0.001, 0.1))'"
            )
        fixed = [
            f"{key}={each.get_value_element_as_str()}"
            for key, each in overrides.items()
            if key not in space
        ]
        return space, fixed

    def _search(self, study: optuna_study.Search, names: list[str], fixed: list[str]) -> None:
        """Do the trials. Raises SweepFailedError if some failed."""
        launcher, folder = self._launcher, self._launcher.folder
        total = study.total(self._total)
        numbers: dict[str, int] = {}

        def make_job(settings: Mapping[str, str], trial: Trial | None = None) -> Job:
            overrides = [*fixed, *(f"{name}={settings[name]}" for name in names)]
            return launcher.composer.job(overrides, trial)

        before = [make_job(each) for each in study.tried()]
        complete = [make_job(each) for each in study.complete()]
        again = [job for job in complete if not is_finished(folder, job.key)]  # damaged, or gone
        plan = Plan(
            folder.name,
            launcher.command,
            tuple(names),
            tuple(fixed),
            tuple(job.planned(names) for job in before),
            self._objectives,
            study=study.name,
        )

        def jobs() -> Iterator[Job]:
            nonlocal plan
            yield from again
            for number, settings in study.points(total):
                job = make_job(settings, study.trial(number))
                numbers[job.key] = number
                if job.key not in {each.key for each in plan.jobs}:
                    plan = replace(plan, jobs=(*plan.jobs, job.planned(names)))
                    summarize.write_plan(folder, plan)
                yield job

        def on_end(job: Job, state: State) -> None:
            if job.key not in numbers:  # done again: the study has its scores
                return
            scores: list[float | None] = [None] * len(self._objectives)
            if state.state == FINISHED:
                found = read_job(folder, 0, job.planned(()))
                scores = [found.score(metric, aim) for metric, aim in self._objectives.items()]
            study.tell(numbers[job.key], scores, state.state == PRUNED)

        summarize.write_plan(folder, plan)
        summarize.restore_pruned(folder, [make_job(each).key for each in study.pruned()])
        try:
            done = study.over() - len(again)
            failed = launcher.run_jobs(jobs(), plan, total, before=done, on_end=on_end)
        finally:
            summarize.write_plan(folder, replace(plan, importance=study.importance()))
            summarize.conclude(folder)
        scheduler.require_success(failed, f"{total} trials")


SWEEPERS: tuple[type[Sweeper], ...] = (Grid, Search)
