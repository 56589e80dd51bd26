"""Text: where it comes from, how it is encoded and split."""
