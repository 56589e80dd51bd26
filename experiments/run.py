"""Train a model, compare samplers, write the report: python experiments/run.py [overrides]"""

from nextchar.commands import run

if __name__ == "__main__":
    run()
