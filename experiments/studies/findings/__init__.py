"""The sentences of docs/findings.md, each bound to the figures that it rests on."""
