"""The embedded play: a probabilistic grammar whose every probability is known exactly."""
