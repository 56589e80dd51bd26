"""Loss and time against size, steps and text: python experiments/scaling.py [--help]

Trains what is missing, fits the law of loss, and renews docs/scaling.md and its figure.
"""

from pathlib import Path

from nextchar.commands import scaling

if __name__ == "__main__":
    scaling(Path(__file__).parent.parent)
