"""From random weights to a trained model on disk, resumable to the bit."""
