"""Compare speed with other libraries: python experiments/benchmark.py generation [--help]"""

from nextchar.cli import exit_on_error


def main() -> None:
    """Parse the command line and run one benchmark."""
    from studies.benchmarks import command  # only now: it imports torch

    command.main()


if __name__ == "__main__":
    exit_on_error(main)
