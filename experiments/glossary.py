"""Write docs/glossary.md from the catalog of metrics: python experiments/glossary.py"""

from __future__ import annotations

import argparse
from pathlib import Path

from nextchar.cli import exit_on_error

PAGE = Path(__file__).parent.parent / "docs" / "glossary.md"


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0]).parse_args()
    from studies import glossary  # only now: it imports torch

    from nextchar.runtime import files

    files.write_text(PAGE, glossary.page())
    print(PAGE)


if __name__ == "__main__":
    exit_on_error(main)
