"""Optimizers by parameter group, and the learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from nextchar.config import TrainingConfig
from nextchar.models.base import LanguageModel
from nextchar.runtime import device
from nextchar.training.muon import Muon


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), PyTorch's own fused update.

    Not torch.optim.AdamW, because an optimizer of that family imports the compiler: over a second.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        self.parameters = list(parameters)
        self.lr = lr
        self.betas = betas
        self.weight_decay = weight_decay
        self.state = [
            {
                "step": torch.zeros((), device=each.device),
                "exp_avg": torch.zeros_like(each),
                "exp_avg_sq": torch.zeros_like(each),
            }
            for each in self.parameters
        ]

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        pairs = zip(self.parameters, self.state, strict=True)
        live = [(each, each.grad, state) for each, state in pairs if each.grad is not None]
        adamw(
            [parameter for parameter, _, _ in live],
            [gradient for _, gradient, _ in live],
            [state["exp_avg"] for _, _, state in live],
            [state["exp_avg_sq"] for _, _, state in live],
            max_exp_avg_sqs=[],
            state_steps=[state["step"] for _, _, state in live],
            fused=True,
            amsgrad=False,
            maximize=False,
            lr=self.lr,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=self.weight_decay,
            eps=1e-8,
        )


class Optimizers:
    """The optimizers of a model, stepped together, their learning rates following one schedule.

    The matrices go to Muon (orthogonalised momentum; Jordan et al. 2024) or AdamW, embedding and
    head to AdamW, each with a rate of its own. Vectors (biases and norms) have the embedding's.
    """

    def __init__(self, model: LanguageModel, config: TrainingConfig) -> None:
        self.config = config
        groups = model.parameter_groups()
        by_adamw = [
            (groups.embedding, config.embedding_learning_rate, config.embedding_weight_decay),
            (groups.head, config.head_learning_rate, config.embedding_weight_decay),
            (groups.vectors, config.embedding_learning_rate, 0.0),
        ]
        self.all: list[Muon | AdamW] = []
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
            by_adamw.append((groups.matrices, config.learning_rate, config.weight_decay))
        self.all += [
            AdamW(parameters, lr=rate, betas=config.betas, weight_decay=decay)
            for parameters, rate, decay in by_adamw
            if parameters
        ]
        self._peaks = [each.lr for each in self.all]

    def step(self, step: int) -> None:
        """Update the weights at `step`, counted from 0, and clear the gradients."""
        scale = schedule(self.config, step)
        for optimizer, peak in zip(self.all, self._peaks, strict=True):
            optimizer.lr = peak * scale
            optimizer.step()
            for parameter in optimizer.parameters:
                parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Every tensor of the optimizers' states by a flat name, for a checkpoint."""
        return {
            f"{which}.{index}.{name}": value
            for which, optimizer in enumerate(self.all)
            for index, values in enumerate(optimizer.state)
            for name, value in values.items()
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` returned."""
        for name, value in self.state().items():
            value.copy_(state[name])


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
