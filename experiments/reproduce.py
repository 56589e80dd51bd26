"""Compute a finished run again and compare: python experiments/reproduce.py [RUN]"""

from nextchar.cli import reproduce

if __name__ == "__main__":
    reproduce()
