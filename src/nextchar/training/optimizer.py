"""Optimizers by parameter group, and the learning-rate schedule."""

from __future__ import annotations

import math

import torch

from nextchar.config import TrainingConfig
from nextchar.models.base import LanguageModel
from nextchar.runtime import device
from nextchar.training.muon import Muon


class Optimizers:
    """The optimizers of a model, stepped together, their learning rates following one schedule.

    The matrices go to Muon (orthogonalised momentum; Jordan et al. 2024) or AdamW, embedding and
    head to AdamW, each with a rate of its own. Vectors (biases and norms) have the embedding's.
    """

    def __init__(self, model: LanguageModel, config: TrainingConfig) -> None:
        self.config = config
        groups = model.parameter_groups()
        adamw = [
            (groups.embedding, config.embedding_learning_rate, config.embedding_weight_decay),
            (groups.head, config.head_learning_rate, config.embedding_weight_decay),
            (groups.vectors, config.embedding_learning_rate, 0.0),
        ]
        self.all: list[torch.optim.Optimizer] = []
        if config.optimizer == "muon" and groups.matrices:
            muon = Muon(
                groups.matrices,
                lr=config.learning_rate,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
                dtype=device.precision(config.precision, next(model.parameters()).device),
            )
            self.all.append(muon)
        else:
            adamw.append((groups.matrices, config.learning_rate, config.weight_decay))
        filled = [
            {"params": parameters, "lr": rate, "weight_decay": decay}
            for parameters, rate, decay in adamw
            if parameters
        ]
        self.all.append(torch.optim.AdamW(filled, betas=config.betas, fused=True))
        self._peaks = [[group["lr"] for group in each.param_groups] for each in self.all]

    def step(self, step: int) -> None:
        """Update the weights at `step`, counted from 0, and clear the gradients."""
        scale = schedule(self.config, step)
        for optimizer, peaks in zip(self.all, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * scale
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, torch.Tensor]:
        """Every tensor of the optimizers' states by a flat name, for a checkpoint."""
        return {
            f"{which}.{index}.{name}": value
            for which, optimizer in enumerate(self.all)
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Restore what `state` returned."""
        for which, optimizer in enumerate(self.all):
            restored: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in state.items():
                number, index, name = key.split(".")
                if int(number) == which:
                    restored.setdefault(int(index), {})[name] = value
            optimizer.load_state_dict(optimizer.state_dict() | {"state": restored})


def schedule(config: TrainingConfig, step: int) -> float:
    """The learning rate at `step` (from 0), as a share of its peak.

    `linear` and `cosine`: rise over `warmup_steps`, stay constant, and after the share `decay_from`
    of the steps fall to `floor`. `noam`: min(n / w, sqrt(w / n)) with n = step + 1 and
    w = `warmup_steps` (Vaswani et al. 2017, 1706.03762, scaled to peak at 1).
    """
    n, warmup = step + 1, config.warmup_steps
    rise = min(1.0, n / warmup) if warmup else 1.0
    if config.schedule == "noam":
        return min(rise, math.sqrt(max(warmup, 1) / n))
    left = min(1.0, (1 - step / config.steps) / (1 - config.decay_from))
    if config.schedule == "cosine":
        left = 0.5 - 0.5 * math.cos(math.pi * left)
    return rise * (config.floor + (1 - config.floor) * left)
