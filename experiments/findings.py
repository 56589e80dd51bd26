"""Write docs/findings.md from three finished runs: python experiments/findings.py [OUTPUTS]

The runs are those of the commands below; each sentence is checked against its figures, and one that
they don't bear out is an error.
"""

import sys
from dataclasses import replace
from pathlib import Path

from studies.findings.finding import Study, render
from studies.findings.sentences import curves_study, default_study, grammar_study

from nextchar.results import Run, read_run
from nextchar.runtime import files

COMMAND = "python experiments/run.py"
STUDIES = (
    ("The default study", "full", "metrics=full", default_study),
    (
        "Where the truth is known",
        "grammar",
        "corpus=grammar metrics=full decoding.samples_per_prompt=2",
        grammar_study,
    ),
    ("Families along their parameter", "curves", "decoding=curves", curves_study),
)


def newest(outputs: Path, name: str) -> Path:
    """The newest finished run of a name."""
    runs = [done.parent for done in outputs.glob(f"runs/{name}-*/DONE")]
    if not runs:
        sys.exit(f"nextchar: no finished run called {name} in {outputs}/runs; see docs/findings.md")
    return max(runs, key=lambda folder: (folder / "DONE").stat().st_mtime)


def read(folder: Path) -> Run:
    """A run that names its folder as it was given, so that the commands can be typed anywhere."""
    return replace(read_run(folder.resolve()), folder=folder)


def main() -> None:
    """Read the runs, check the sentences, write the page."""
    outputs = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs")
    parts = [
        (heading, f"{COMMAND} name={name} {arguments}", study(Study(read(newest(outputs, name)))))
        for heading, name, arguments, study in STUDIES
    ]
    title = "What the studies show"
    page = render(title, parts)
    note = (
        "Written by `python experiments/findings.py` from the runs of the commands below; figures "
        "with 95% intervals in brackets. A sentence that its run does not bear out stops the "
        "program. One model, one seed: the intervals are about prompts and passages, not about "
        "training again.\n\n"
    )
    body = page.removeprefix(f"# {title}\n\n")
    files.write_text(Path("docs/findings.md"), f"# {title}\n\n{note}{body}")
    print("docs/findings.md")


if __name__ == "__main__":
    main()
