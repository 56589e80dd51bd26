"""Speed beside peers: python experiments/benchmark.py generation [--help]"""

from nextchar.benchmarks.command import main

if __name__ == "__main__":
    main()
