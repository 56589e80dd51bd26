"""All that a comparison can hold side by side: samplers, and searches with samplers before them."""

from collections.abc import Sequence

from nextchar.config import ConfigError, DecodingConfig
from nextchar.decoding.search import Search
from nextchar.models.base import LanguageModel
from nextchar.results import REFERENCES
from nextchar.samplers import Sampler
from nextchar.samplers.registry import Spec, build_any
from nextchar.samplers.trial import most_characters, try_sampler

Decoder = Sampler | Search


def build_decoder(spec: Spec) -> Decoder:
    """A sampler, or {temperature: 0.7, best_of: 8}: samplers, and a search at the end."""
    made = build_any(spec)
    assert isinstance(made, Sampler | Search)
    return made


def build_decoders(specs: Sequence[Spec], samples_per_prompt: int) -> list[Decoder]:
    """The decoders of a comparison.

    Raises ConfigError when two have the same label, one has that of a reference, or one can't
    write so many samples per prompt.
    """
    decoders = [build_decoder(spec) for spec in specs]
    labels = [each.label for each in decoders]
    for decoder, label in zip(decoders, labels, strict=True):
        if labels.count(label) > 1:
            raise ConfigError(f"decoding.samplers: {label!r} is listed twice; remove one")
        if label in REFERENCES:
            raise ConfigError(f"decoding.samplers: {label!r} is the name of a reference; rename it")
        most = decoder.most_samples if isinstance(decoder, Search) else None
        if most is not None and samples_per_prompt > most:
            raise ConfigError(
                f"decoding.samplers: {label}: at most {most} samples per prompt, and "
                f"decoding.samples_per_prompt={samples_per_prompt}; widen it"
            )
    return decoders


def try_decoders(
    decoders: Sequence[Decoder],
    model: LanguageModel,
    vocabulary_size: int,
    decoding: DecodingConfig,
) -> None:
    """Try each sampler on a few rows of logits, before the model is trained.

    Raises ConfigError, naming the decoder, class, file and remedy, for one that does not work, and
    for a search that this model does not support, or that can't write so many different texts.
    """
    for decoder in decoders:
        if isinstance(decoder, Search):
            decoder.check(type(model))
        sampler = decoder.step_sampler if isinstance(decoder, Search) else decoder
        try_sampler(sampler, vocabulary_size, decoder.label)
        if isinstance(decoder, Search) and decoder.most_samples is not None:
            texts = most_characters(sampler, vocabulary_size) ** decoding.length
            decoder.require_texts(texts, decoding.samples_per_prompt)
