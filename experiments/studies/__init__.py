"""Studies made with nextchar: scaling laws, benchmarks, findings."""
