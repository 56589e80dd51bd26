"""Which optimizer moves which weights, and how fast at which step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from nextchar.config import TrainingConfig
from nextchar.runtime import device
from nextchar.training.muon import Muon


class Optimizers:
    """The optimizers of a model, stepped together, their learning rates following one schedule.

    Matrices inside the blocks go to Muon (orthogonalised momentum; Jordan et al. 2024) or AdamW,
    embedding and head to AdamW with rates of their own. Vectors (the baseline's biases and norms)
    take the rate of the embedding.
    """

    def __init__(
        self, model: nn.Module, config: TrainingConfig, further_heads: Iterable[nn.Parameter] = ()
    ) -> None:
        self.config = config
        embedding, head, matrices, vectors = _groups(model)
        head.extend(further_heads)
        adam: list[dict[str, object]] = [
            {
                "params": embedding,
                "lr": config.embedding_learning_rate,
                "weight_decay": config.embedding_weight_decay,
            },
            {
                "params": head,
                "lr": config.head_learning_rate,
                "weight_decay": config.embedding_weight_decay,
            },
            {"params": vectors, "lr": config.embedding_learning_rate, "weight_decay": 0.0},
        ]
        self.all: list[torch.optim.Optimizer] = []
        if config.optimizer == "muon":
            muon = Muon(
                matrices,
                lr=config.learning_rate,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
                dtype=device.precision(config.precision, next(model.parameters()).device),
            )
            self.all.append(muon)
        else:
            decay = config.weight_decay
            adam.append({"params": matrices, "lr": config.learning_rate, "weight_decay": decay})
        groups = [group for group in adam if group["params"]]
        self.all.append(torch.optim.AdamW(groups, betas=config.betas, fused=True))
        self._peaks = [[group["lr"] for group in each.param_groups] for each in self.all]

    def step(self, step: int) -> None:
        """Update the weights from their gradients, at `step` counted from 0, and clear these."""
        scale = schedule(self.config, step)
        for optimizer, peaks in zip(self.all, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * scale
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, torch.Tensor]:
        """Every tensor of the optimizers' states under a flat name, for a checkpoint."""
        return {
            f"{which}.{index}.{name}": value
            for which, optimizer in enumerate(self.all)
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Take back what `state` gave."""
        for which, optimizer in enumerate(self.all):
            restored: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in state.items():
                number, index, name = key.split(".")
                if int(number) == which:
                    restored.setdefault(int(index), {})[name] = value
            optimizer.load_state_dict(optimizer.state_dict() | {"state": restored})


def _groups(model: nn.Module) -> tuple[list[nn.Parameter], ...]:
    """Parameters by role: embedding, head, matrices of the blocks, vectors."""
    roles: dict[str, list[nn.Parameter]] = {
        "embedding": [],
        "head": [],
        "matrices": [],
        "vectors": [],
    }
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        role = part if part in roles else "matrices" if parameter.ndim == 2 else "vectors"
        roles[role].append(parameter)
    return tuple(roles.values())


def schedule(config: TrainingConfig, step: int) -> float:
    """The share of the peak learning rate that `step` (from 0) gets.

    `linear` and `cosine`: rise over `warmup_steps`, stay, and fall to `floor` from the share
    `decay_from` of the steps on. `noam`: min(n / w, sqrt(w / n)) with n = step + 1 and
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
