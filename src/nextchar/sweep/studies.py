"""The study of a search: optuna's, kept in a journal in the sweep's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextchar.sweep.jobs import Trial

if TYPE_CHECKING:
    import optuna


def running_trial(trial: Trial) -> optuna.Trial:
    """The trial as a job reports to it."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(trial.journal))
    study = optuna.load_study(study_name=trial.study, storage=storage)
    known = storage.get_all_trials(study._study_id, deepcopy=False)[trial.number]
    return optuna.Trial(study, known._trial_id)
