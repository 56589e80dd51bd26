"""Run the default comparison and renew the README: python experiments/reproduce.py"""

from __future__ import annotations

import shutil
from pathlib import Path

from studies import pages

from nextchar import config
from nextchar.experiment.run import run_experiment
from nextchar.metrics.groups import headlines
from nextchar.report.markdown import as_markdown
from nextchar.report.table import compare
from nextchar.results import Run

ROOT = Path(__file__).parent.parent
FIGURE = Path("docs/figures/quality_diversity.png")


def shown(run: Run) -> str:
    """The README's part about a run: what it was, its figure, its table."""
    model, machine = run.manifest["model"], run.manifest["hardware"]
    corpus = run.manifest["corpus"]["name"]
    decoding, steps = run.config["decoding"], run.config["training"]["steps"]
    return f"""
`{run.manifest["command"]}`: {model["parameters"]:,} parameters, {steps:,} steps on {corpus},
validation loss {model["validation_loss"]:.4f} nats a character ({machine["threads"]} threads of
{machine["processor"]}); {decoding["prompts"]} prompts, {decoding["length"]} characters each.

![Quality and diversity of the samplers]({FIGURE})

{as_markdown(compare(headlines(run.metrics), run.definitions))}
"""


def main() -> None:
    run = run_experiment(config.compose(), command="nextchar-run")
    if run.manifest["corpus"]["substituted"]:
        raise SystemExit("tiny Shakespeare could not be had: the README is left as it is")
    shutil.copyfile(run.folder / "plots" / FIGURE.name, ROOT / FIGURE)
    readme = ROOT / "README.md"
    pages.replace_section(readme, "make figures", shown(run))
    print(f"renewed {readme} and {ROOT / FIGURE}")


if __name__ == "__main__":
    main()
