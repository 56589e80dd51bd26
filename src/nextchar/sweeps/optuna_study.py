"""The study behind a search: optuna's ask and tell, kept in a journal in the sweep's folder.

A point is a choice of the parameters; each is tried once. A trial that was running when its driver
died is taken up again, with its number and its point; one that failed is tried again as a new
trial. So n_trials counts points, over all the times that the command was given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextchar import config
from nextchar.config import ConfigError
from nextchar.sweeps import search_space
from nextchar.sweeps.jobs import Trial

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

JOURNAL = "study.journal"
POINT = "point"
PATIENCE = 5
"""Known points that the method may propose in a row before an untried one is drawn instead."""


LEAST_FOR_IMPORTANCE = 5
"""Trials among the best that an importance needs."""


class Search:
    """A study of this sweep, new or gone on with."""

    def __init__(
        self,
        folder: Path,
        *,
        where: Mapping[str, BaseDistribution],
        aims: Mapping[str, str],
        fixed: Sequence[str],
        seed: int,
        method: str,
        startup: int,
        pruning: bool,
        anew: bool,
    ) -> None:
        optuna = _optuna()
        self._space, self._aims = dict(where), dict(aims)
        self._journal = folder / JOURNAL
        # Another space or another experiment is another study in the same journal.
        names = {name: str(distribution) for name, distribution in where.items()}
        self.name = config.digest({"space": names, "aims": dict(aims), "fixed": list(fixed)})
        storage = open_journal(self._journal)
        if anew and self.name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=self.name, storage=storage)
        self._study = optuna.create_study(
            storage=storage,
            study_name=self.name,
            directions=["maximize" if aim == "maximize" else "minimize" for aim in aims.values()],
            pruner=_pruner(pruning and len(aims) == 1, startup),
            load_if_exists=True,
        )
        # A sampler that starts again with the same seed would draw the same points again.
        begun = len(self._study.get_trials(deepcopy=False))
        own = int(np.random.SeedSequence((seed, begun)).generate_state(1)[0])
        self._seed = seed
        self._study.sampler = _sampler(method, startup, own)
        self._pruning, self._startup = pruning and len(aims) == 1, startup

    def points(self, total: int) -> Iterator[tuple[int, dict[str, str]]]:
        """Number and settings of the trials that are left, until `total` points are tried.

        Those that a dead driver left come first, then those that failed, then new ones; each new
        one is chosen when it is asked for, of what is known by then.
        """
        from optuna.trial import TrialState

        known = self._known()
        begun = [trial for trial in known.values() if trial.state == TrialState.RUNNING]
        failed = [trial for trial in known.values() if trial.state == TrialState.FAIL]
        for trial in begun:
            yield trial.number, search_space.settings(trial.user_attrs[POINT])
        for trial in failed:
            self._study.enqueue_trial(trial.params)
            again = self._study.ask(self._space)
            yield again.number, self._note(again)
        tried = set(known)
        repeats = 0
        while len(tried) < self.total(total):
            if repeats >= PATIENCE and math.isfinite(search_space.size(self._space)):
                self._study.enqueue_trial(self._untried(tried))
            asked = self._study.ask(self._space)
            point = search_space.point(asked.params)
            if point in tried:
                repeats += 1
                self._study.tell(asked, state=TrialState.FAIL)
                continue
            repeats = 0
            tried.add(point)
            yield asked.number, self._note(asked)

    def total(self, wanted: int) -> int:
        """The points that there will be: no more than the space has."""
        return int(min(wanted, search_space.size(self._space)))

    def _untried(self, tried: set[str]) -> dict[str, Any]:
        """A point of a finite space, drawn from those that were not tried."""
        left = [
            each
            for each in search_space.points(self._space)
            if search_space.point(each) not in tried
        ]
        return left[int(np.random.default_rng((self._seed, len(tried))).integers(len(left)))]

    def tried(self) -> list[dict[str, str]]:
        """The settings of every point so far, in the order in which they were first tried."""
        return [search_space.settings(point) for point in self._known()]

    def reported(self, number: int) -> Trial | None:
        """Where the job of this trial reports its training; None where nothing is pruned."""
        if not self._pruning:
            return None
        return Trial(str(self._journal), self.name, number, self._startup)

    def over(self) -> int:
        """How many points are tried and done with, pruned ones too."""
        from optuna.trial import TrialState

        done = (TrialState.COMPLETE, TrialState.PRUNED)
        return sum(trial.state in done for trial in self._known().values())

    def told(self, number: int, scores: Sequence[float | None], pruned: bool) -> None:
        """What a trial came to; a score that is missing makes it a failure."""
        from optuna.trial import TrialState

        values = [score for score in scores if score is not None]
        if pruned:
            self._study.tell(number, state=TrialState.PRUNED)
        elif len(values) == len(self._aims):
            self._study.tell(number, values)
        else:
            self._study.tell(number, state=TrialState.FAIL)

    def importance(self) -> dict[str, float]:
        """How much each parameter has to do with being among the best trials (PED-ANOVA,
        arXiv 2304.10255), as shares; empty where there are too few trials to tell."""
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
        from optuna.trial import TrialState

        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < 4 * LEAST_FOR_IMPORTANCE or len(self._space) < 2:
            return {}
        evaluator = PedAnovaImportanceEvaluator(target_quantile=0.25)
        found = get_param_importances(self._study, evaluator=evaluator)
        return {name: round(share, 6) for name, share in found.items()}

    def _note(self, trial: optuna.Trial) -> dict[str, str]:
        point = search_space.point(trial.params)
        trial.set_user_attr(POINT, point)
        return search_space.settings(point)

    def _known(self) -> dict[str, FrozenTrial]:
        """The newest trial of each point. What was only half asked for is ended here."""
        from optuna.trial import TrialState

        known: dict[str, FrozenTrial] = {}
        for trial in self._study.get_trials(deepcopy=False):
            point = trial.user_attrs.get(POINT)
            if point is not None:
                known[point] = trial
            elif trial.state in (TrialState.RUNNING, TrialState.WAITING):
                self._end_of(trial)
        return known

    def _end_of(self, trial: FrozenTrial) -> None:
        """A trial that its driver had no time to give a point: it was never handed out."""
        from optuna.trial import TrialState

        self._study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def open_journal(path: Path) -> JournalStorage:
    """The journal, made where there is none."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path)))


def running_trial(trial: Trial) -> optuna.Trial:
    """A trial as its job reports to it, in another process than the one that asked for it."""
    optuna = _optuna()
    study = optuna.load_study(study_name=trial.study, storage=open_journal(Path(trial.journal)))
    study.pruner = _pruner(True, trial.startup)
    known = study.get_trials(deepcopy=False)[trial.number]
    return optuna.Trial(study, known._trial_id)


def _optuna() -> Any:
    """optuna, quiet: what a search says is said by the sweep."""
    try:
        import optuna
    except ImportError as missing:
        raise ConfigError(
            "sweep=search: optuna is not installed; pip install 'nextchar[sweep]'"
        ) from missing
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _sampler(method: str, startup: int, seed: int) -> optuna.samplers.BaseSampler:
    samplers = _optuna().samplers
    made: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
        "tpe": lambda: samplers.TPESampler(seed=seed, n_startup_trials=startup),
        "random": lambda: samplers.RandomSampler(seed=seed),
        "nsga2": lambda: samplers.NSGAIISampler(seed=seed),
    }
    if method not in made:
        raise ConfigError(f"hydra.sweeper.method={method}: must be one of {', '.join(made)}")
    return made[method]()


def _pruner(prunes: bool, startup: int) -> optuna.pruners.BasePruner:
    """A training goes on while its best loss so far is better than the others' median there."""
    pruners = _optuna().pruners
    pruner: optuna.pruners.BasePruner = (
        pruners.MedianPruner(n_startup_trials=startup) if prunes else pruners.NopPruner()
    )
    return pruner
