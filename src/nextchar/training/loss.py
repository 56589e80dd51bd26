"""Training loss: cross-entropy of the next character, and of several after it where asked for.

Shapes: B rows, W context, n characters ahead, C width, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar.models.base import HiddenStateModel, LanguageModel


class MultiTokenLoss(nn.Module):
    """The loss of a model on windows, with one more head for each further character.

    With `predict_ahead` = n, position t predicts the characters t + 1 to t + n from one hidden
    state, the k-th with the weight 1 / k (after Gloeckle et al. 2024, 2404.19737). The further
    heads serve training alone, and are thrown away. Raises ConfigError for n > 1 with a model that
    does not show its hidden states.
    """

    def __init__(self, model: LanguageModel, predict_ahead: int) -> None:
        super().__init__()
        if predict_ahead > 1:
            HiddenStateModel.require(type(model), f"training.predict_ahead={predict_ahead}")
        self.model = model
        self.heads = nn.ParameterList()
        if isinstance(model, HiddenStateModel):
            zeros = torch.zeros_like(model.head.weight)
            self.heads.extend(nn.Parameter(zeros.clone()) for _ in range(predict_ahead - 1))

    def forward(self, inputs: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
        """The loss to lower, and that of the next character alone: scalars, nats per character.

        Inputs [B, W]; `following` [B, W + n - 1] starts with the character after the first input.
        """
        if not self.heads:
            next_loss = cross_entropy(self.model(inputs), following)
            return next_loss, next_loss
        assert isinstance(self.model, HiddenStateModel)
        hidden = self.model.hidden(inputs)
        next_loss = cross_entropy(self.model.unembed(hidden), following[:, : inputs.size(1)])
        total = next_loss
        for k, head in enumerate(self.heads, start=2):
            targets = following[:, k - 1 : k - 1 + inputs.size(1)]
            total = total + cross_entropy(F.linear(hidden, head).float(), targets) / k
        return total, next_loss


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p(target) averaged over all positions; logits [B, W, V] and targets [B, W]."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
