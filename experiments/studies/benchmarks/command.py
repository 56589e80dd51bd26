"""`benchmark.py SUBCOMMAND`: each is a module with `describe(parser)` and `run(arguments)`."""

from __future__ import annotations

import argparse

from studies.benchmarks import choosing, generation, metrics, performance, trained, training

SUBCOMMANDS = {
    "all": performance,
    "generation": generation,
    "choosing": choosing,
    "metrics": metrics,
    "training": training,
    "trained": trained,
}


def main() -> None:
    """Parse the command line and run one subcommand."""
    parser = argparse.ArgumentParser(
        description="Speed compared with other libraries, as ratios of alternating runs."
    )
    commands = parser.add_subparsers(dest="subcommand", required=True)
    for name, module in SUBCOMMANDS.items():
        line = (module.__doc__ or "").splitlines()[0]
        module.describe(commands.add_parser(name, help=line, description=line))
    arguments = parser.parse_args()
    SUBCOMMANDS[arguments.subcommand].run(arguments)
