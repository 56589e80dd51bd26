"""Continue a prompt with a trained model: python experiments/sample.py [RUN] --prompt TEXT"""

from nextchar.cli import sample

if __name__ == "__main__":
    sample()
