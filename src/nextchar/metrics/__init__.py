"""What a sampler does, in figures: exact on distributions, honest on generated text."""
