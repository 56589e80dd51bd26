"""The part of the page that runs a model: what it holds (Python), and the engine (JavaScript)."""
