"""What a run leaves on disk, written and read in one place.

The files of a run and of a model are listed in `docs/methods.md`. Everything here is plain text,
so that results outlive the code: CSV with a header, JSON, and JSON lines.
"""
# What is imported here is what the room offers.
# ruff: noqa: F401
# mypy: implicit-reexport

from nextchar.results.candidates import Candidates, read_candidates, write_candidates
from nextchar.results.find import find_folder, runs_and_sweeps
from nextchar.results.run import (
    CANDIDATES,
    CONFIG,
    DEFINITIONS,
    DIFFERENCES,
    DONE,
    FAMILIES,
    LABML,
    MANIFEST,
    METRICS,
    MODEL,
    OF_A_JOB,
    PLAY,
    PLOTS,
    POSSIBLE,
    REPORT,
    SAMPLES,
    SUMS,
    TIMINGS,
    TRAINING,
    TRUNCATION,
    VOCABULARY,
    Run,
    Sample,
    damage,
    is_whole,
    model_ids,
    point_latest,
    read_definitions,
    read_json,
    read_run,
    read_samples,
    read_unsealed,
    require_latest,
    seal,
    write_definitions,
    write_json,
    write_samples,
)
from nextchar.results.schema import (
    HUMAN,
    HUMAN_TRAINING,
    JUDGE,
    REFERENCES,
    Difference,
    FamilyFigure,
    Metric,
    MetricInfo,
    Possible,
    TrainingRecord,
    Truncation,
    find_row,
    info_of,
    number,
    read_metrics,
    read_rows,
    read_training,
    seconds_taken,
    write_metrics,
    write_rows,
    write_training,
)
