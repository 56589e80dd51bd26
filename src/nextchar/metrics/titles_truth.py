"""The group of the metrics against the known truth, under its former address."""

from nextchar.metrics import catalog

TRUTH = catalog.TRUTH
