"""Simulate how often intervals cover the truth, and write the table into docs/methods.md

python experiments/coverage.py [--simulations N]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nextchar.cli import exit_on_error

PAGE = Path(__file__).parent.parent / "docs" / "methods.md"
PROGRAM = "experiments/coverage.py"


def main() -> None:
    """Simulate each kind of metric, replace the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=2000, metavar="N")
    simulations = parser.parse_args().simulations
    from studies import coverage, pages
    from studies.findings.finding import exact_share, shown, table

    rows = []
    for kind in coverage.KINDS:
        inside = round(coverage.coverage(kind, simulations) * simulations)
        rows.append((kind, shown(exact_share(inside, simulations), 1, percent=True)))
    header = ("interval", f"covers the truth, of {simulations:,} studies")
    pages.replace_section(PAGE, PROGRAM, table(header, rows))
    print(PAGE)


if __name__ == "__main__":
    exit_on_error(main)
