"""How every program ends: an error of the user is one line on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from nextchar import config
from nextchar.sweeps.jobs import SweepFailedError


def exit_on_error(program: Callable[[], None], *user_errors: type[Exception]) -> None:
    """Run a program and print an error as one line on standard error, without a traceback.

    Exit code 2: the user gave something wrong; `user_errors` are exceptions that mean this beside
    those of the config. 1: the machine refuses (no permission, no space, a file where a folder
    should be), or jobs of a sweep failed. 130: interrupted.
    """
    wrong: tuple[type[Exception], ...] = (*config.USER_ERRORS, *user_errors)
    try:
        program()
        sys.stdout.flush()
    except wrong as error:
        sys.exit(_fail(config.one_line(error), 2))
    except (OSError, SweepFailedError) as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            sys.exit(1)
        sys.exit(_fail(str(error), 1))
    except KeyboardInterrupt as stop:
        sys.exit(_fail(f"interrupted; {stop}" if stop.args else "interrupted", 130))


def _output_is_closed() -> bool:
    """Whether nothing reads standard output any more (`| head`); later output is then dropped."""
    try:
        print(flush=True)  # flush alone finds nothing to write: the failed write was dropped
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _fail(message: str, code: int) -> int:
    print(f"nextchar: {message}", file=sys.stderr)
    return code
