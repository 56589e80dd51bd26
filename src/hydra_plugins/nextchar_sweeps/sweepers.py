"""Which jobs a sweep has: Hydra's sweepers, a grid of all combinations or a search.

Hydra imports this at every start, so optuna is imported when a search begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hydra_plugins.nextchar_sweeps.launchers import SweepLauncher
from nextchar.config import ConfigError
from nextchar.results.sweep import FINISHED, PRUNED, PlannedJob, State, read_finished
from nextchar.sweeps import jobs, scheduler
from nextchar.sweeps.jobs import Job, SweepFailedError

AIMS = ("minimize", "maximize", "human")


class Grid(BasicSweeper):
    """Every combination, as Hydra's own sweeper makes them; an impossible one fails alone."""

    def __init__(self, params: dict[str, str]) -> None:
        super().__init__(max_batch_size=None, params=params)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Left to the launcher, which composes each job once, and goes on without those that
        can't be."""


class Search(Sweeper):
    """Points chosen by optuna, each of what the ones before it came to."""

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
                f"hydra.sweeper.objectives={dict(objectives)}: name figures, each with its aim, "
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
        self._config, self._context = config, hydra_context
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
        """Search, or go on with a search, until n_trials points are tried."""
        from nextchar.sweeps import optuna_study, search_space
        from nextchar.sweeps import summarize as gathering

        given = [f"{name}={value}" for name, value in self._params.items()] + arguments
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        # As in Hydra's own sweeper, what comes later takes the place of what came before.
        overrides = {each.get_key_element(): each for each in parser.parse_overrides(given)}
        where = {
            key: search_space.distribution(each)
            for key, each in overrides.items()
            if each.is_sweep_override()
        }
        if not where:
            raise ConfigError(
                "sweep=search: nothing to search; give parameters as in "
                "'training.learning_rate=tag(log, interval(0.001, 0.1))'"
            )
        fixed = [
            f"{key}={each.get_value_element_as_str()}"
            for key, each in overrides.items()
            if key not in where
        ]
        launcher = self._launcher
        base = launcher.composer.config(fixed)
        with scheduler.alone(launcher.folder):
            search = optuna_study.Search(
                launcher.folder,
                where=where,
                aims=self._objectives,
                fixed=[jobs.key(base)],
                seed=base.seed,
                method=self._method,
                startup=self._startup,
                pruning=self._pruning,
                anew=base.force,
            )
            return self._searched(search, list(where), fixed, gathering)

    def _searched(
        self, search: Any, names: list[str], fixed: list[str], gathering: Any
    ) -> list[JobReturn]:
        launcher = self._launcher
        numbers: dict[str, int] = {}
        total = search.total(self._total)

        def job(settings: Mapping[str, str], number: int | None = None) -> Job:
            overrides = [*fixed, *(f"{name}={settings[name]}" for name in names)]
            trial = None if number is None else search.reported(number)
            return launcher.composer.job(overrides, trial)

        plan = scheduler.planned(
            launcher.folder.name, launcher.command, [job(each) for each in search.tried()], names
        )
        plan = replace(plan, fixed=tuple(fixed), objectives=self._objectives)

        def wanted() -> Iterator[Job]:
            nonlocal plan
            for number, settings in search.points(total):
                made = job(settings, number)
                numbers[made.key] = number
                if made.key not in {each.key for each in plan.jobs}:
                    values = tuple(made.settings[name] for name in names)
                    plan = replace(plan, jobs=(*plan.jobs, PlannedJob(made.key, values)))
                    gathering.plan(launcher.folder, plan)
                yield made

        def on_end(made: Job, state: State) -> None:
            scores: list[float | None] = [None] * len(self._objectives)
            if state.state == FINISHED:
                row = read_finished(launcher.folder, 0, PlannedJob(made.key, ()), state)
                scores = [row.score(figure, aim) for figure, aim in self._objectives.items()]
            search.told(numbers[made.key], scores, state.state == PRUNED)

        gathering.plan(launcher.folder, plan)
        try:
            failed = launcher.drive(wanted(), plan, total, before=search.over(), on_end=on_end)
        finally:
            gathering.plan(launcher.folder, replace(plan, importance=search.importance()))
            launcher.gather()
        if failed:
            raise SweepFailedError(
                f"{failed} of {total} trials failed, their errors are above and in the "
                "summary; the same command tries these again, and no other"
            )
        return []


SWEEPERS: tuple[type[Sweeper], ...] = (Grid, Search)
