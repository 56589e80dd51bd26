"""Turns overrides into jobs; the files of a config are read once instead of once per job."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Sequence
from functools import cache

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nextchar import config
from nextchar.config import Config, ConfigError, CorpusConfig
from nextchar.data import source
from nextchar.data.source import CorpusError, Source
from nextchar.experiment.identity import Identity, identify
from nextchar.sweeps import jobs
from nextchar.sweeps.jobs import Job, Trial


class Composer:
    """Makes jobs of overrides, with the same result as Hydra's own composition.

    Hydra reads every YAML file again for every job, which takes 0.1 s per job. Here that is done
    once per choice of groups; plain values are then set last, as Hydra does.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader, self._master = loader, master
        self._parser = OverridesParser.create(config_loader=loader)
        self._base = cache(self._compose)
        self._options_of_group = cache(loader.get_group_options)
        self._sources: dict[CorpusConfig, Source | CorpusError] = {}

    def job(self, overrides: Sequence[str], trial: Trial | None = None) -> Job:
        """The job of these overrides, possible or not."""
        settings = jobs.settings(overrides)
        command = shlex.join(["nextchar-run", *overrides])
        try:
            composed = self.config(overrides)
            identity = self.identity(composed)
        except (ConfigError, HydraException, OmegaConfBaseException, OSError) as error:
            key = config.digest({"impossible": settings})
            return Job(key, settings, command, error=" ".join(str(error).split()))
        return Job(identity.run, settings, command, composed, identity, trial=trial)

    def config(self, overrides: Sequence[str]) -> Config:
        """The config of these overrides. Raises what Hydra or the config raises."""
        parsed = self._parser.parse_overrides(list(overrides))
        plain = {each.input_line: each for each in parsed if self._is_plain(each)}
        rest = tuple(each for each in overrides if each not in plain)
        composed = copy.deepcopy(self._base(rest))
        try:
            for each in plain.values():
                OmegaConf.update(composed, each.key_or_group, each.value(), merge=True)
        except OmegaConfBaseException:
            composed = self._compose(overrides)  # for Hydra's own error message
        return config.resolve(composed)

    def identity(self, composed: Config) -> Identity:
        """The identity of the config's run. Raises CorpusError if its text is not available."""
        if composed.corpus not in self._sources:  # once: no job repeats a download that failed
            try:
                self._sources[composed.corpus] = source.locate(composed.corpus)
            except CorpusError as error:
                self._sources[composed.corpus] = error
        found = self._sources[composed.corpus]
        if isinstance(found, CorpusError):
            raise found
        corpus = source.identity(composed.corpus, found)
        return identify(composed, corpus, substituted=bool(found.substituted))

    def _is_plain(self, override: Override) -> bool:
        """Whether it sets an existing value, and does not choose an option of a group."""
        key = override.key_or_group
        return (
            not (override.is_add() or override.is_force_add() or override.is_delete())
            and override.package is None
            and not key.startswith("hydra")
            and not self._options_of_group(key)
        )

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        composed = self._loader.load_sweep_config(self._master, list(overrides))
        with open_dict(composed):
            del composed["hydra"]
        return composed
