"""The sentences of docs/findings.md, each with the condition under which it is true."""
