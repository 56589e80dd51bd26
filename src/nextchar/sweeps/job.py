"""What a job does inside its own process."""

from __future__ import annotations

from collections.abc import Callable

from nextchar.results import TrainingRecord
from nextchar.sweeps.jobs import PrunedError, Task, Trial


def compute(task: Task) -> None:
    """The work of a job: do the run, or find it finished.

    Raises PrunedError if its search stops the training.
    """
    from nextchar.experiment.run import run_experiment

    watchers = [reporter(task.trial)] if task.trial else []
    run_experiment(task.config, task.command, *watchers)


def reporter(trial: Trial) -> Callable[[TrainingRecord], None]:
    """A callback that reports each validation loss to the study, for its pruner.

    It raises PrunedError if the pruner says so. A step is reported once: a resumed training
    replays its records.
    """
    from nextchar.sweeps import optuna_study

    running = optuna_study.running_trial(trial)
    reported = set(running.storage.get_trial(running._trial_id).intermediate_values)

    def report(record: TrainingRecord) -> None:
        if record.val_loss is None or record.step in reported:
            return
        running.report(record.val_loss, record.step)
        reported.add(record.step)
        if running.should_prune():
            raise PrunedError(
                f"stopped at step {record.step} of the training: a validation loss of "
                f"{record.val_loss:.4f} is behind the other trials' there"
            )

    return report
