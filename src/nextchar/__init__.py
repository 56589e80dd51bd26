"""nextchar: how should the next character be chosen?

A reproducible experiment: train a small transformer, then compare decoders exactly and honestly.
The rooms and the way of the data through them are drawn in the README.
"""

__version__ = "0.1.0"
