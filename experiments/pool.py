"""Pool runs that differ in their seed alone: python experiments/pool.py FOLDER RUN RUN [RUN ...]

Prints the table, and writes metrics.csv and differences.csv to FOLDER.
"""

import sys
from pathlib import Path

from nextchar import results, table
from nextchar.config import ConfigError
from nextchar.pooling import pool


def main() -> None:
    """Read the runs, pool them, write the tables."""
    if len(sys.argv) < 4 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder, runs = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    try:
        metrics, differences = pool(runs)
    except ConfigError as error:
        sys.exit(f"nextchar: {error}")
    folder.mkdir(parents=True, exist_ok=True)
    results.write_metrics(folder / results.METRICS, metrics)
    results.write_rows(folder / results.DIFFERENCES, results.Difference, differences)
    print(table.as_text(table.compare(table.headlines(metrics))))
    print(folder)


if __name__ == "__main__":
    main()
