"""Loss and time against size, steps and text: python experiments/scaling.py [--help]

Trains missing models, fits the law of loss, and updates docs/scaling.md and its figure.
"""

from pathlib import Path

from nextchar.cli import exit_on_error


def main() -> None:
    """Parse the command line and run the study."""
    from studies.scaling import command  # only now: it imports torch

    command.main(Path(__file__).parent.parent)


if __name__ == "__main__":
    exit_on_error(main)
