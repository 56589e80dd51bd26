"""Launchers and sweepers of nextchar, where Hydra looks for plugins."""
