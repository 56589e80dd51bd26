"""Where results came from: code, packages, hashes, times."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nextchar
from nextchar import results

PACKAGES = (
    "torch",
    "labml",
    "labml-nn",
    "hydra-core",
    "omegaconf",
    "numpy",
    "safetensors",
    "matplotlib",
)


@cache
def code() -> dict[str, Any]:
    """Version, commit and sha256 of the code at the first call, and whether it was modified."""
    package = Path(nextchar.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    commit = _git(package, "rev-parse", "HEAD")
    # Without optional locks: otherwise `git status` may disturb a git command of the user.
    status = ("--no-optional-locks", "status", "--porcelain", "--", ".")
    dirty = None if commit is None else bool(_git(package, *status))
    return {
        "version": nextchar.__version__,
        "commit": commit,
        "dirty": dirty,
        "sha256": digest.hexdigest(),
    }


def other_code(made_by: Mapping[str, Any], what: str) -> str | None:
    """A warning if `what` (the start of a sentence) was done by another version of the code."""
    if made_by["sha256"] == code()["sha256"]:
        return None
    commit = made_by["commit"] or "no commit"
    return f"{what} by another version of the code ({commit[:12]}); force=true computes it again"


def packages() -> dict[str, str]:
    """Versions of the packages that affect results."""
    return {name: version(name) for name in PACKAGES}


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of the samples and tables of the run in `folder`."""
    tables = (results.DIFFERENCES, results.FAMILIES, results.TRUNCATION, results.POSSIBLE)
    paths = [folder / name for name in (results.SAMPLES, results.METRICS, *tables)]
    found = (path for path in paths if path.exists())
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def _git(folder: Path, *arguments: str) -> str | None:
    """git's output in the folder; None without git or a repository (an installed wheel)."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a path may have any bytes
            check=False,
        )
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
