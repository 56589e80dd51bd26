"""What a table of pooled seeds says below it."""

from __future__ import annotations

from nextchar.results import Run


def seeds_note(run: Run) -> str:
    """What the intervals of a run over several seeds are about, and its loss; empty for one."""
    if not run.seeds:
        return ""
    seeds = ", ".join(map(str, run.seeds))
    return (
        f"Pooled over seeds {seeds}: intervals are over seeds and prompts, so they hold for "
        f"training again. Validation loss {validation_loss(run)} nats a character."
    )


def validation_loss(run: Run) -> str:
    """The mean over the seeds and their standard deviation, as `1.519 ± 0.002 (mean ± SD)`."""
    model = run.manifest["model"]
    loss, deviation = model["validation_loss"], model["validation_loss_deviation"]
    return f"{loss:.3f} ± {deviation:.3f} (mean ± SD)"
