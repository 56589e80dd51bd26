"""Overrides become jobs, fast: the files of a config are read once, not once a job."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nextchar import config
from nextchar.config import Config, ConfigError
from nextchar.sweeps import jobs
from nextchar.sweeps.jobs import Job, Trial


class Composer:
    """Makes jobs of overrides, as Hydra would compose them.

    Hydra reads every YAML file again for every job, a tenth of a second each time. Here that is
    done once for each choice of groups; plain values are then set as Hydra sets them, last.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader, self._master = loader, master
        self._parser = OverridesParser.create(config_loader=loader)
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._groups: dict[str, bool] = {}

    def job(self, overrides: Sequence[str], trial: Trial | None = None) -> Job:
        """The job that these overrides ask for, possible or not."""
        settings = jobs.settings(overrides)
        command = shlex.join(["nextchar-run", *overrides])
        try:
            asked = self.config(overrides)
        except (ConfigError, HydraException, OmegaConfBaseException) as error:
            key = jobs.impossible_key(settings)
            return Job(key, settings, command, error=" ".join(str(error).split()))
        return Job(jobs.key(asked), settings, command, asked, trial=trial)

    def config(self, overrides: Sequence[str]) -> Config:
        """The config that these overrides compose to. Raises what Hydra or the config raises."""
        parsed = self._parser.parse_overrides(list(overrides))
        plain = {each.input_line: each for each in parsed if self._is_plain(each)}
        rest = tuple(each for each in overrides if each not in plain)
        composed = copy.deepcopy(self._base(rest))
        try:
            for each in plain.values():
                OmegaConf.update(composed, each.key_or_group, each.value(), merge=True)
        except OmegaConfBaseException:
            composed = self._whole(overrides)  # Hydra's own words for what is wrong
        return config.resolve(composed)

    def _is_plain(self, override: Override) -> bool:
        """Whether it sets an existing value, and not the choice of a group."""
        key = override.key_or_group
        return (
            not (override.is_add() or override.is_force_add() or override.is_delete())
            and override.package is None
            and not key.startswith("hydra")
            and not self._is_group(key)
        )

    def _is_group(self, key: str) -> bool:
        if key not in self._groups:
            self._groups[key] = bool(self._loader.get_group_options(key))
        return self._groups[key]

    def _base(self, overrides: tuple[str, ...]) -> DictConfig:
        if overrides not in self._composed:
            self._composed[overrides] = self._whole(overrides)
        return self._composed[overrides]

    def _whole(self, overrides: Sequence[str]) -> DictConfig:
        composed = self._loader.load_sweep_config(self._master, list(overrides))
        with open_dict(composed):
            del composed["hydra"]
        return composed
