"""What a training step lowers: the loss of the next character, and of those after it.

Shapes: B rows, W context, n characters ahead, C width, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar.config import ConfigError
from nextchar.models.base import LanguageModel
from nextchar.models.transformer import Transformer


class MultiTokenLoss(nn.Module):
    """The loss of a model on windows, with heads of its own for the characters after the next.

    With `ahead` = n, position t predicts the characters t + 1 to t + n from one hidden state, the
    k-th with the weight 1 / k (after Gloeckle et al. 2024, 2404.19737). The further heads serve
    training alone, and are thrown away. Raises ConfigError for n > 1 with a model that does not
    show its hidden states.
    """

    def __init__(self, model: LanguageModel, ahead: int) -> None:
        super().__init__()
        if ahead > 1 and not isinstance(model, Transformer):
            raise ConfigError(
                f"training.ahead={ahead}: this model does not show its hidden states; "
                "set it to 1, or use model=transformer"
            )
        self.model = model
        self.heads = nn.ParameterList()
        if isinstance(model, Transformer):
            zeros = torch.zeros_like(model.head.weight)
            self.heads.extend(nn.Parameter(zeros.clone()) for _ in range(ahead - 1))

    def forward(self, inputs: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
        """The loss to lower, and that of the next character, of inputs [B, W].

        `following` [B, W + n - 1] starts with the character after the first input. Nats a
        character, scalars.
        """
        if not self.heads:
            following_loss = cross_entropy(self.model(inputs), following)
            return following_loss, following_loss
        assert isinstance(self.model, Transformer)
        hidden = self.model.hidden(inputs)
        following_loss = cross_entropy(self.model.unembed(hidden), following[:, : inputs.size(1)])
        total = following_loss
        for k, head in enumerate(self.heads, start=2):
            targets = following[:, k - 1 : k - 1 + inputs.size(1)]
            total = total + cross_entropy(F.linear(hidden, head).float(), targets) / k
        return total, following_loss


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean over all places, logits [B, W, V] and targets [B, W], of -ln p(target)."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
