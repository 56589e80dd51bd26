"""One HTML page for each run and sweep: it opens from disk, loads nothing, and is reproducible."""
