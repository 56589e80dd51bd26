"""MAUVE: the divergence frontier between generated and held-out text, on hidden states."""
