"""Run the default comparison, and write its table and figure into README.md: make figures"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nextchar.cli import exit_on_error

if TYPE_CHECKING:
    from nextchar.results import Run

ROOT = Path(__file__).parent.parent
FIGURE = Path("docs/figures/quality_diversity.png")
PROGRAM = "make figures"


def section(run: Run) -> str:
    """The part of the README about a run: what it is, its figure, its table."""
    from nextchar.report.markdown import as_markdown
    from nextchar.report.table import headline_table

    model, machine = run.manifest["model"], run.manifest["hardware"]
    corpus = run.manifest["corpus"]["name"]
    decoding, steps = run.config["decoding"], run.config["training"]["steps"]
    return f"""
`{run.manifest["command"]}`: {model["parameters"]:,} parameters, {steps:,} steps on {corpus},
validation loss {model["validation_loss"]:.4f} nats per character ({machine["threads"]} threads of
{machine["processor"]}); {decoding["prompts"]} prompts, {decoding["length"]} characters each.

![Quality and diversity of the samplers]({FIGURE})

{as_markdown(headline_table(run))}
"""


def main() -> None:
    """Run, copy the figure, replace the section."""
    argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0]).parse_args()
    from studies import pages

    import nextchar

    run = nextchar.run()
    if run.manifest["corpus"]["substituted"]:
        raise nextchar.ConfigError(
            "corpus=tiny_shakespeare: could not be downloaded; README.md is left as it is"
        )
    shutil.copyfile(run.folder / "plots" / FIGURE.name, ROOT / FIGURE)
    pages.replace_section(ROOT / "README.md", PROGRAM, section(run))
    print(f"{ROOT / 'README.md'}\n{ROOT / FIGURE}")


if __name__ == "__main__":
    exit_on_error(main)
