"""Commands for the terminal. Their --help imports no torch."""

from nextchar.cli.errors import exit_on_error
from nextchar.cli.running import run
from nextchar.cli.sampling import sample
from nextchar.cli.viewing import view

__all__ = ["exit_on_error", "run", "sample", "view"]
