"""Speed beside peers: python experiments/benchmark.py generation [--help]"""

from studies.benchmarks.command import main

if __name__ == "__main__":
    main()
