"""One comparison from end to end: train or load, decode, measure, write."""
