"""Training: from random weights to a trained model on disk, with bit-exact resume."""
