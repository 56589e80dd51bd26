"""What a config needs at least, in memory and work, before anything of it is made.

These are lower bounds, of the largest things alone: what is refused here could never have ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from nextchar.config import Config, ConfigError
from nextchar.config.models import BlocksConfig
from nextchar.decoding.registry import Decoder
from nextchar.decoding.search import BlockSearch
from nextchar.decoding.search.best_of import BestOf
from nextchar.runtime import memory

MOST_WORK = 1e21
"""Floating-point operations: eleven days of a GPU that does 1e15 a second."""


def require(config: Config, decoders: Sequence[Decoder], validation: int) -> None:
    """Raise ConfigError, with the keys, for what needs more memory than there is, or no end.

    `validation` is how many characters validate.
    """
    training, decoding, metrics = config.training, config.decoding, config.metrics
    sampled = f"decoding.samples_per_prompt={decoding.samples_per_prompt}"
    texts = len(decoders) * decoding.prompts * decoding.samples_per_prompt
    # Of each character: its id, bits, entropy and support size.
    memory.require(texts * decoding.length * 4 * 8, "the texts take", sampled)
    clusters = decoding.prompts + min(metrics.blocks, metrics.positions, validation)
    memory.require(
        metrics.resamples * clusters * 8,
        "the weights of the bootstrap take",
        f"metrics.resamples={metrics.resamples}, metrics.blocks={metrics.blocks}",
    )
    windows = training.nanogpt_eval_windows
    of_windows = f"training.nanogpt_eval_windows={windows}"
    memory.require(windows * 8, "the places of its windows take", of_windows)
    model = config.model
    if not isinstance(model, BlocksConfig):
        return  # a plugin's, whose size is not known
    # Attention reads and writes the stream, the feed-forward layer widens and narrows it.
    weights = model.layers * 2 * (1 + model.feedforward) * model.width**2
    sizes = f"model.layers={model.layers}, model.width={model.width}"
    sizes += f", model.feedforward={model.feedforward}"
    memory.require(weights * 4 * 3, "weights, gradients and momentum take", sizes)
    batch = training.batch_size * model.context
    stream = model.layers * model.width * model.feedforward * 2
    of_batch = f"training.batch_size={training.batch_size}, model.context={model.context}"
    memory.require(batch * stream, "the activations of a step take", of_batch)
    each = model.layers * model.context * (model.width // model.heads) * 2 * 4
    for decoder in decoders:
        if isinstance(decoder, BlockSearch):
            rows = decoder.rows_a_text * each
            memory.require(rows, "its hypotheses take", f"decoding.samplers: {decoder.label}")
    written = sum(each.n if isinstance(each, BestOf) else 1 for each in decoders)
    written *= decoding.prompts * decoding.samples_per_prompt * decoding.length
    for characters, passes, keys in (
        (training.steps * batch, 3, f"training.steps={training.steps}, {of_batch}"),
        (windows * model.context, 1, of_windows),
        (written, 1, f"{sampled}, decoding.samplers"),
    ):
        work = 2 * weights * characters * passes
        if work > MOST_WORK:
            raise ConfigError(
                f"{keys}: takes at least {work:.1g} floating-point operations; at most "
                f"{MOST_WORK:.0e}, eleven days of a fast GPU, are begun; make it smaller"
            )
