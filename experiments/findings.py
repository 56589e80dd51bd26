"""Write docs/findings.md from finished runs: python experiments/findings.py [OUTPUTS]

The runs are those of the commands at the end of docs/findings.md. Each sentence is checked against
the figures of its run; a sentence that they do not support is an error.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from nextchar.api import outputs
from nextchar.cli import exit_on_error

PAGE = Path(__file__).parent.parent / "docs" / "findings.md"
FAMILIES = "families"
"""Name of the run with decoding=families."""
MAIN = "default"
RECIPES = ("sprint", MAIN, "thorough")
"""Whose models are compared with the grammar, in runs called truth-RECIPE. The default is needed;
others are taken where they are."""


def main() -> None:
    """Read the runs, check the sentences, write the page and its figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("outputs", nargs="?", type=Path, metavar="OUTPUTS", default=outputs())
    parser.add_argument("--recipes", nargs="+", default=RECIPES, metavar="RECIPE")
    parser.add_argument(
        "--page", type=Path, default=PAGE, metavar="FILE", help="default: %(default)s"
    )
    arguments = parser.parse_args()
    folder: Path = arguments.outputs
    from studies.findings import page, plot, runs
    from studies.findings.truth import Quality

    from nextchar.results import PLOTS
    from nextchar.runtime import files

    run = runs.needed(folder, FAMILIES)
    runs.needed(folder, f"truth-{MAIN}")
    found = {each: runs.newest(folder, f"truth-{each}") for each in {*arguments.recipes, MAIN}}
    known = [Quality(name, each) for name, each in found.items() if each is not None]
    runs.require_same_samplers([each.run for each in known])
    qualities = {each.recipe: each for each in sorted(known, key=lambda each: -each.bits)}
    text = page.render(run, qualities, qualities[MAIN], "figures")
    page_file: Path = arguments.page
    figures = page_file.parent / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run.run.folder / PLOTS / page.FIGURES[0], figures / page.FIGURES[0])
    plot.draw_truth(qualities, figures, Path(page.FIGURES[1]).stem)
    plot.draw_quality(qualities, figures, Path(page.FIGURES[2]).stem)
    files.write_text(page_file, text)
    print(page_file)


if __name__ == "__main__":
    exit_on_error(main)
