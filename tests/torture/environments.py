"""Unusual environments: variables, limits, streams, disks, places and clocks that programs meet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launching import PATIENCE, Ended, environment


@dataclass(frozen=True)
class Unusual:
    """`variables` are set (None: there is no such one), and `script` is run by a shell, in which
    "$@" is the program; `place` is the folder in which that happens, within the working folder.

    Where the program may refuse to work, `may_fail`, it must say so in one line, lose nothing, and
    do the whole work in the usual environment afterwards.
    """

    words: str
    variables: Mapping[str, str | None] = field(default_factory=dict)
    script: str = 'exec "$@"'
    place: str = "."
    may_fail: bool = False


def _variables(*each: Mapping[str, str | None]) -> list[Unusual]:
    return [Unusual(" ".join(f"{k}={v}" for k, v in one.items()), one) for one in each]


def _disk(options: str) -> Unusual:
    """A disk that fills up, and then has room again: the same program goes on there."""
    steps = (
        f'mkdir small && mount -t tmpfs -o {options} small "$PWD/small"',
        "cp play.txt small && cd small",
        '"$@"; code=$?',
        'mount -o remount,size=1g,nr_inodes=9999 "$PWD"',
        '"$@" >/dev/null 2>../again || { cat ../again >&2; exit 99; }',
        "cp -r outputs .. && exit $code",
    )
    return Unusual(f"a disk of {options}", script=NAMESPACE + "\n".join(steps), may_fail=True)


NAMESPACE = "# in a namespace of its own\n"
"""Begins a script that mounts something."""
READ_ONLY = 'mount --bind . . && cd "$PWD" && mount -o remount,ro,bind . && exec "$@"'
DEEP = "/".join(["a folder of a very deep path"] * 7)

ALONE: Sequence[Unusual] = (
    *_variables(
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"MPLBACKEND": "TkAgg"},
        {"MPLCONFIGDIR": "/nonexistent"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "xx_YY.KOI8-R", "PYTHONUTF8": "0"},
        {"TERM": None},
        {"TERM": "dumb"},
        {"HOME": None},
        {"HOME": "/nonexistent"},
        {"PATH": ""},
        {"TMPDIR": "/nonexistent"},
        {"COLUMNS": "10"},
        {"COLUMNS": "x"},
        {"NO_COLOR": "1"},
        {"FORCE_COLOR": "1"},
        {"PYTHONHASHSEED": "1"},
        {"PYTHONDEVMODE": "1"},
        {"PYTHONDONTWRITEBYTECODE": "1"},
        {"OMP_NUM_THREADS": "3"},
        {"TZ": "Pacific/Kiritimati"},
        {"GIT_DIR": "/nonexistent"},
        {"HYDRA_FULL_ERROR": "1"},
        {"http_proxy": "nonsense", "https_proxy": "nonsense"},
    ),
    Unusual("no standard input", script='exec "$@" <&-'),
    Unusual("no standard output", script='exec "$@" >&-'),
    Unusual("no standard error", script='exec "$@" 2>&-'),
    Unusual("no streams", script='exec "$@" <&- >&- 2>&-'),
    Unusual("nobody reads its output", script='"$@" | true', may_fail=True),
    Unusual("files for oneself alone", script='umask 077; exec "$@"'),
    Unusual("files for everybody", script='umask 000; exec "$@"'),
    Unusual("24 open files", script='ulimit -n 24; exec "$@"', may_fail=True),
    Unusual("64 open files", script='ulimit -n 64; exec "$@"', may_fail=True),
    Unusual("files of 4 KB", script='ulimit -f 8; exec "$@"', may_fail=True),
    Unusual("files of 100 KB", script='ulimit -f 200; exec "$@"', may_fail=True),
    Unusual("two at once", script='"$@" >first 2>&1 & "$@"; code=$?; wait $! && exit $code'),
    Unusual(
        "four at once",
        script='for i in 1 2 3; do "$@" >$i 2>&1 & done; "$@"; code=$?; wait; exit $code',
    ),
    Unusual("a very long path", place=DEEP, may_fail=True),
    Unusual("a path of strange signs", place="it's a \"test\" {of} $HOME, ü 日 [1] = 2"),
    Unusual("a folder behind a link", script='ln -s . link; cd link; exec "$@"'),
    Unusual("files of the future", script='"$@" && find outputs -exec touch -d 2099-01-01 {} + '
            '&& exec "$@" force=true'),
    Unusual("files of long ago", script='"$@" && find outputs -exec touch -d 1971-01-01 {} + '
            '&& exec "$@" force=true'),
    Unusual("a finished run on a disk that is only read", script=f'{NAMESPACE}"$@" && {READ_ONLY}'),
    Unusual("nothing may be written", script=NAMESPACE + READ_ONLY, may_fail=True),
    *map(_disk, ("size=64k", "size=300k", "size=700k", "nr_inodes=12", "nr_inodes=30")),
)  # fmt: skip
"""Each is tried alone, before several of TOGETHER at once."""
TOGETHER = [each for each in ALONE if each.variables]


def possible() -> list[Unusual]:
    """Those of ALONE that this machine lets us make: some need a namespace of our own."""
    unshare = shutil.which("unshare")
    if unshare and subprocess.run([unshare, "-rm", "true"], check=False).returncode == 0:
        return list(ALONE)
    print("environments: no namespaces here, so that full and read-only disks are not tried")
    return [each for each in ALONE if not each.script.startswith(NAMESPACE)]


def start(folder: Path, chosen: Sequence[Unusual], *command: str) -> Ended:
    """Really start a program (`run` or another, with its arguments) in these environments."""
    place = next((each.place for each in chosen if each.place != "."), ".")
    (folder / place).mkdir(parents=True, exist_ok=True)
    if place != ".":
        shutil.copy(folder / "play.txt", folder / place)
    variables = environment()
    for name, value in (pair for each in chosen for pair in each.variables.items()):
        variables.pop(name, None)
        if value is not None:
            variables[name] = value
    scripts = [each.script for each in chosen if each.script != Unusual.script]
    script = scripts[0] if scripts else Unusual.script
    code = "import sys; from nextchar import cli; getattr(cli, sys.argv.pop(1))()"
    shell = ["/bin/sh", "-c", script, "sh", sys.executable, "-c", code, *command]
    if script.startswith(NAMESPACE):
        shell = ["/usr/bin/env", "unshare", "-rm", *shell]
    ended = subprocess.run(
        shell,
        cwd=folder / place,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        errors="replace",  # a console may have another encoding
        timeout=4 * PATIENCE,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
