"""Run the default comparison with five trainings, and write its table and figure into README.md

python experiments/readme.py [KEY=VALUE ...]: keys of the run, as threads=1; or make figures
"""

from __future__ import annotations

import argparse
import html
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nextchar.cli import exit_on_error
from nextchar.runtime import progress

if TYPE_CHECKING:
    from nextchar.results import Run

ROOT = Path(__file__).parent.parent
FIGURE = Path("docs/figures/quality_diversity.png")
PICTURE = Path("docs/figures/report.png")
PROGRAM = "make figures"
WINDOW = "1280,1560"
"""Pixels of the page that the picture shows, from its top."""
SEEDS = "seeds=[0,1,2,3,4]"


def section(run: Run) -> str:
    """The part of the README about a run: its answer, its figure, its table, and how to read it."""
    from nextchar.report.markdown import as_markdown
    from nextchar.report.standing import standings
    from nextchar.report.summary import summary
    from nextchar.report.table import headline_table

    model, machine = run.manifest["model"], run.manifest["hardware"]
    corpus = run.manifest["corpus"]["name"]
    decoding, steps = run.config["decoding"], run.config["training"]["steps"]
    table = headline_table(run)
    answer = str(summary(run, standings(run.shown, run.differences)))
    for tag, mark in (("strong", "**"), ("code", "`")):
        answer = answer.replace(f"<{tag}>", mark).replace(f"</{tag}>", mark)
    columns = "\n".join(f"- **{info.line}**: {info.description}" for info in table.columns)
    threads = f"{machine['threads']} thread{'s' * (machine['threads'] > 1)}"
    words = shlex.split(run.manifest["command"])
    command = shlex.join(word for word in words if not word.startswith("paths."))
    return f"""
**The answer of the default run, over {len(run.seeds)} trainings.** {html.unescape(answer)}

![The page of a run: the answer, the texts, a figure and a table]({PICTURE})

`{command}`: {len(run.seeds)} trainings of {model["parameters"]:,} parameters, {steps:,} steps on
{corpus}, validation loss {model["validation_loss"]:.4f} ± {model["validation_loss_deviation"]:.4f}
nats per character ({threads} of {machine["processor"]}); {decoding["prompts"]}
prompts with each, {decoding["length"]} characters per text. Intervals include another training.

![Surprise and variety of the samplers]({FIGURE})

{as_markdown(table)}
Values with 95% intervals; bold: closest to human text, or tied with the closest. A column has no
bold value where more than half of the samplers are tied, or where even the closest differs from
human text. The columns:

{columns}
"""


def photograph(report: Path) -> None:
    """Take the README's picture of a page, where there is a browser for it."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if browser is None:
        progress.say(f"note: no chromium here, {PICTURE} stays as it is")
        return
    with tempfile.TemporaryDirectory() as profile:
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        shot = (f"--user-data-dir={profile}", f"--window-size={WINDOW}")
        target = f"--screenshot={ROOT / PICTURE}"
        command = [browser, *options, *shot, target, report.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


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
    photograph(run.folder / "report.html")
    pages.replace_section(ROOT / "README.md", PROGRAM, section(run))
    print(f"{ROOT / 'README.md'}\n{ROOT / FIGURE}\n{ROOT / PICTURE}")


if __name__ == "__main__":
    exit_on_error(main)
