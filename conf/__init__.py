"""Hydra configs of nextchar, shipped as the package nextchar.conf."""
