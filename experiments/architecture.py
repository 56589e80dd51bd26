"""Draw the rooms of src/nextchar and their imports: python experiments/architecture.py"""

from __future__ import annotations

import argparse
from pathlib import Path

from nextchar.cli import exit_on_error

FIGURE = Path(__file__).parent.parent / "docs" / "figures" / "architecture.png"


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0]).parse_args()
    from studies import rooms  # only now: it imports matplotlib

    print(rooms.draw(FIGURE))


if __name__ == "__main__":
    exit_on_error(main)
