"""A search looks at a training while it runs, and gives up what has no prospect."""

from __future__ import annotations

from collections.abc import Callable

from nextchar.results import TrainingRecord
from nextchar.sweeps.job import PrunedError
from nextchar.sweeps.jobs import Trial


def reporting(trial: Trial) -> Callable[[TrainingRecord], None]:
    """A watcher of a training: tells the study each validation loss, and asks whether to go on.

    It raises PrunedError where the study's pruner says no. A loss is told once: a training that
    was stopped and goes on shows its records again.
    """
    from nextchar.sweeps import optuna_study

    running = optuna_study.running_trial(trial)
    told = set(running.storage.get_trial(running._trial_id).intermediate_values)

    def watch(record: TrainingRecord) -> None:
        if record.val_loss is None or record.step in told:
            return
        running.report(record.val_loss, record.step)
        told.add(record.step)
        if running.should_prune():
            raise PrunedError(
                f"stopped at step {record.step} of the training: a validation loss of "
                f"{record.val_loss:.4f} is behind the other trials' there"
            )

    return watch
