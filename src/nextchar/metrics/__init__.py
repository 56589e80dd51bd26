"""What a sampler does, in figures: exact on distributions, honest on generated text.

A plugin defines a metric of its own with `metric`; see `nextchar.metrics.catalog`.
"""

from nextchar.metrics.catalog import metric
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts

__all__ = ["GeneratedTexts", "ReferenceTexts", "metric"]
