"""Train a model, compare samplers, write the report: python experiments/run.py [overrides]

The program is @hydra.main of nextchar.commands; tab completion looks for these words here.
"""

from nextchar.cli import run

if __name__ == "__main__":
    run()
