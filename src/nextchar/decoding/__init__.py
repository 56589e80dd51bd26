"""From a trained model to texts: the decoders, the engine that runs them, and searches."""
