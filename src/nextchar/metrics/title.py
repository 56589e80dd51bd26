"""The names of a metric, under their former name."""

from nextchar.results import MetricInfo

Title = MetricInfo
