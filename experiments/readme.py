"""Run the default comparison with five trainings, and write its table and figure into README.md

python experiments/readme.py [KEY=VALUE ...]: keys of the run, as threads=1; or make figures
"""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nextchar.cli import exit_on_error

if TYPE_CHECKING:
    from nextchar.results import Run

ROOT = Path(__file__).parent.parent
FIGURE = Path("docs/figures/quality_diversity.png")
PROGRAM = "make figures"
SEEDS = "seeds=[0,1,2,3,4]"


def section(run: Run) -> str:
    """The part of the README about a run: what it is, its figure, its table."""
    from nextchar.report.markdown import as_markdown
    from nextchar.report.table import compare

    model, machine = run.manifest["model"], run.manifest["hardware"]
    corpus = run.manifest["corpus"]["name"]
    decoding, steps = run.config["decoding"], run.config["training"]["steps"]
    threads = f"{machine['threads']} thread{'s' * (machine['threads'] > 1)}"
    words = shlex.split(run.manifest["command"])
    command = shlex.join(word for word in words if not word.startswith("paths."))
    return f"""
`{command}`: {len(run.seeds)} trainings of {model["parameters"]:,} parameters, {steps:,} steps on
{corpus}, validation loss {model["validation_loss"]:.4f} ± {model["validation_loss_deviation"]:.4f}
nats per character ({threads} of {machine["processor"]}); {decoding["prompts"]}
prompts with each, {decoding["length"]} characters a text. Intervals include another training.

![Quality and diversity of the samplers]({FIGURE})

{as_markdown(compare(run.headlines, run.definitions))}
"""


def main() -> None:
    """Run, copy the figure, replace the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="keys of the run")
    overrides = parser.parse_args().overrides
    from studies import pages

    import nextchar

    run = nextchar.run(SEEDS, *overrides)
    if run.manifest["corpus"]["substituted"]:
        raise nextchar.ConfigError(
            "corpus=tiny_shakespeare: could not be downloaded; README.md is left as it is"
        )
    shutil.copyfile(run.folder / "plots" / FIGURE.name, ROOT / FIGURE)
    pages.replace_section(ROOT / "README.md", PROGRAM, section(run))
    print(f"{ROOT / 'README.md'}\n{ROOT / FIGURE}")


if __name__ == "__main__":
    exit_on_error(main)
