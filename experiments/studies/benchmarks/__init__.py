"""Speed of this library and of others, measured alternating, as ratios with their range."""
