"""The study behind a search: optuna's ask and tell, stored in a journal in the sweep's folder.

A point is one choice of the parameters; each is tried once. A trial whose process was killed is
taken up again with its number and point; a failed point is tried again as a new trial. So n_trials
counts points, over all repetitions of the command.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import BaseSampler, BruteForceSampler
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, TrialState

from nextchar import config
from nextchar.config import ConfigError
from nextchar.runtime import progress
from nextchar.sweeps import search_space
from nextchar.sweeps.jobs import Trial
from nextchar.sweeps.journal import Journal, repair

optuna.logging.set_verbosity(optuna.logging.WARNING)

JOURNAL = "study.journal"
POINT = "point"
"""The trial attribute that holds the point; a trial without it was never handed out."""
PATIENCE = 5
"""Known points that the method may propose in a row before an untried one is drawn instead."""
ENUMERABLE = 10**6
"""Points of a space, at most, for untried ones to be drawn from."""
LEAST_FOR_IMPORTANCE = 5
"""Trials among the best quarter that an importance needs."""


class Search:
    """A study of this sweep, new or continued.

    `planned` gives the points of the sweep's plan by the name of a study, those it has tried:
    what a damaged journal has lost is entered again. With `anew` everything known is forgotten.
    """

    def __init__(
        self,
        folder: Path,
        *,
        space: Mapping[str, BaseDistribution],
        aims: Mapping[str, str],
        fixed: str,
        seed: int,
        method: str,
        startup: int,
        pruning: bool,
        planned: Callable[[str], Sequence[Mapping[str, str]]],
        anew: bool,
    ) -> None:
        self._space, self._aims, self._startup = dict(space), dict(aims), startup
        self._pruning = pruning and len(aims) == 1
        self._journal = folder / JOURNAL
        # Another space or another experiment (`fixed`) is another study in the same journal.
        names = {name: str(distribution) for name, distribution in space.items()}
        self.name = config.digest({"space": names, "aims": dict(aims), "fixed": fixed})
        repair(self._journal)
        storage = open_journal(self._journal)
        if anew and self.name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=self.name, storage=storage)
        self._study = optuna.create_study(
            storage=storage,
            study_name=self.name,
            directions=["maximize" if aim == "maximize" else "minimize" for aim in aims.values()],
            pruner=_pruner(self._pruning, startup),
            load_if_exists=True,
        )
        # A continued search needs another seed, or its sampler would draw the same points again.
        trials = len(self._study.get_trials(deepcopy=False))
        self._seed = int(np.random.SeedSequence((seed, trials)).generate_state(1)[0])
        self._study.sampler = _sampler(method, startup, self._seed)
        known = self._known()
        points = [search_space.params(space, each) for each in ([] if anew else planned(self.name))]
        self._lost = [each for each in points if search_space.point(each) not in known]
        if self._lost:
            progress.say(
                f"{self._journal}: lacks {len(self._lost)} of {len(points)} trials; they are "
                "entered again from sweep.json, and what is finished of them is kept"
            )

    def points(self, total: int) -> Iterator[tuple[int, dict[str, str]]]:
        """Number and settings of the trials that remain until `total` points are tried.

        First those whose process was killed, then those that failed, then those that the journal
        has lost, then new ones; each new one is chosen when it is asked for, from all results until
        then.
        """
        known = self._known()
        for trial in known.values():
            if trial.state == TrialState.RUNNING:
                yield trial.number, json.loads(trial.user_attrs[POINT])
        failed = [trial.params for trial in known.values() if trial.state == TrialState.FAIL]
        for params in (*failed, *self._lost):
            self._study.enqueue_trial(params)
            again = self._study.ask(self._space)
            yield again.number, self._hand_out(again)
        tried = {*known, *map(search_space.point, self._lost)}
        repeats = 0
        while len(tried) < self.total(total):
            new = self._ask_untried() if repeats >= PATIENCE else self._study.ask(self._space)
            point = search_space.point(new.params)
            if point in tried:
                repeats += 1
                self._study.tell(new, state=TrialState.FAIL)
                continue
            repeats = 0
            tried.add(point)
            yield new.number, self._hand_out(new)

    def _ask_untried(self) -> optuna.Trial:
        """A trial at a random untried point of a small space; of a large one, the method's."""
        method = self._study.sampler
        if search_space.size(self._space) <= ENUMERABLE:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # optuna calls it experimental
                self._study.sampler = BruteForceSampler(seed=self._seed)
        trial = self._study.ask(self._space)
        self._study.sampler = method
        return trial

    def total(self, wanted: int) -> int:
        """The number of points to try: no more than the space has."""
        return int(min(wanted, search_space.size(self._space)))

    def tried(self) -> list[dict[str, str]]:
        """The settings of all points so far, in the order in which they were first tried."""
        points = (*self._known(), *map(search_space.point, self._lost))
        return [json.loads(point) for point in dict.fromkeys(points)]

    def complete(self) -> list[dict[str, str]]:
        """The settings of the points whose scores are known."""
        return self._in(TrialState.COMPLETE)

    def pruned(self) -> list[dict[str, str]]:
        """The settings of the points whose training was stopped."""
        return self._in(TrialState.PRUNED)

    def trial(self, number: int) -> Trial | None:
        """Where the job of this trial reports its losses; None if nothing is pruned."""
        if not self._pruning:
            return None
        return Trial(str(self._journal), self.name, number, self._startup)

    def over(self) -> int:
        """How many points are finished or pruned."""
        over = (TrialState.COMPLETE, TrialState.PRUNED)
        return sum(trial.state in over for trial in self._known().values())

    def tell(self, number: int, scores: Sequence[float | None], pruned: bool) -> None:
        """Record a trial's scores; a missing score makes it a failure."""
        values = [score for score in scores if score is not None]
        if pruned:
            self._study.tell(number, state=TrialState.PRUNED)
        elif len(values) == len(self._aims):
            self._study.tell(number, values)
        else:
            self._study.tell(number, state=TrialState.FAIL)

    def importance(self) -> dict[str, float]:
        """How much each parameter decides whether a trial is in the best quarter (PED-ANOVA,
        arXiv 2304.10255), as shares; empty if there are too few trials."""
        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < 4 * LEAST_FOR_IMPORTANCE or len(self._space) < 2:
            return {}
        evaluator = PedAnovaImportanceEvaluator(target_quantile=0.25)
        found = get_param_importances(self._study, evaluator=evaluator)
        return {name: round(share, 6) for name, share in found.items()}

    def _in(self, state: TrialState) -> list[dict[str, str]]:
        known = self._known().items()
        return [json.loads(point) for point, trial in known if trial.state == state]

    def _hand_out(self, trial: optuna.Trial) -> dict[str, str]:
        point = search_space.point(trial.params)
        trial.set_user_attr(POINT, point)
        return json.loads(point)

    def _known(self) -> dict[str, FrozenTrial]:
        """The newest trial of each point. Trials that were never handed out are closed."""
        known: dict[str, FrozenTrial] = {}
        for trial in self._study.get_trials(deepcopy=False):
            point = trial.user_attrs.get(POINT)
            if point is not None:
                known[point] = trial
            elif trial.state in (TrialState.RUNNING, TrialState.WAITING):
                self._study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        return known


def open_journal(path: Path) -> JournalStorage:
    """The journal, created if it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(Journal(path))


def running_trial(trial: Trial) -> optuna.Trial:
    """The trial in the process of its job, which is not the process that asked for it."""
    study = optuna.load_study(study_name=trial.study, storage=open_journal(Path(trial.journal)))
    study.pruner = _pruner(True, trial.startup)
    known = study.get_trials(deepcopy=False)[trial.number]
    return optuna.Trial(study, known._trial_id)


def _sampler(method: str, startup: int, seed: int) -> BaseSampler:
    samplers: dict[str, Callable[..., BaseSampler]] = {
        "tpe": partial(optuna.samplers.TPESampler, n_startup_trials=startup),
        "random": optuna.samplers.RandomSampler,
        "nsga2": optuna.samplers.NSGAIISampler,
    }
    if method not in samplers:
        raise ConfigError(f"hydra.sweeper.method={method}: must be one of {', '.join(samplers)}")
    return samplers[method](seed=seed)


def _pruner(prunes: bool, startup: int) -> optuna.pruners.BasePruner:
    """A training continues while its best loss so far beats the median of the others there."""
    if prunes:
        return optuna.pruners.MedianPruner(n_startup_trials=startup)
    return optuna.pruners.NopPruner()
