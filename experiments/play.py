"""Serve a run's page with its model behind it: python experiments/play.py [RUN]"""

from nextchar.cli import play

if __name__ == "__main__":
    play()
