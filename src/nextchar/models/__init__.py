"""Language models: character ids in, logits out."""
