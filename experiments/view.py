"""Open the newest report, or that of a run: python experiments/view.py [RUN]"""

from nextchar.cli import view

if __name__ == "__main__":
    view()
