"""Runs programs one after the other in one process, as Windows would, as far as Linux can show it.

There is no fcntl, no fork, no SIGHUP and no user id, links can't be made, a file that is open
can't be replaced, and who opens a text without naming its encoding gets cp1252 (here: an error).
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

MODULES = ("fcntl", "grp", "pwd", "resource", "termios")
NAMES = ("fork", "getuid", "pread", "pwrite", "sched_getaffinity", "sysconf_names")


def main(commands: list[list[str]]) -> None:
    """Run each command: the name of a program and its arguments."""
    warnings.filterwarnings("error", category=EncodingWarning, module=r"nextchar|hydra_plugins")
    replace = os.replace

    def refusing(source: str, target: str, **options: int) -> None:
        if os.path.realpath(target) in opened():
            raise PermissionError(13, "The process cannot access the file", str(target))
        replace(source, target, **options)

    def no_link(*_: object, **__: object) -> None:
        raise OSError(22, "A required privilege is not held by the client")

    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # as if there were none
    for name in NAMES:
        delattr(os, name)
    del signal.SIGHUP
    os.replace, os.symlink = refusing, no_link
    real, sys.platform = sys.platform, "win32"
    from nextchar.runtime import lock

    sys.platform = real
    from nextchar import cli, plots
    from nextchar.sweeps import processes

    for module in (lock, processes):
        module.sys = SimpleNamespace(**{**vars(sys), "platform": "win32"})  # type: ignore[attr-defined]
    plots.draw_all = lambda subject, folder: plots.Drawn()
    for program, *arguments in commands:
        print(f"> {program}", flush=True)
        sys.argv = [f"nextchar-{program}", *arguments]
        getattr(cli, program)()


def opened() -> set[str]:
    """The files that this process has open, or mapped into its memory."""
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    found = {line.split(maxsplit=5)[5] for line in mapped if len(line.split(maxsplit=5)) == 6}
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.is_symlink():
            found.add(os.path.realpath(descriptor))
    return found


if __name__ == "__main__":
    here = sys.argv[1:]
    starts = [index for index, each in enumerate(here) if each == "then"]
    main([here[a + 1 : b] for a, b in zip([-1, *starts], [*starts, len(here)], strict=True)])
