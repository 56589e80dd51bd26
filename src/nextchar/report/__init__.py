"""One HTML page for each run and sweep: it opens from disk, loads nothing, and is reproducible."""

from nextchar.report.page import write_report
from nextchar.report.sweep import write_sweep_report

__all__ = ["write_report", "write_sweep_report"]
