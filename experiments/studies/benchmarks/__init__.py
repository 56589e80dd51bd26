"""How fast: this library beside its peers, in turn, as ratios with their spread."""
