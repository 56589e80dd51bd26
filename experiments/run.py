"""Train a model, compare samplers, write the report: python experiments/run.py [overrides]

Hydra's tab completion recognises this program by the text @hydra.main in it; the function itself is
in nextchar.cli.
"""

from nextchar.cli import run

if __name__ == "__main__":
    run()
