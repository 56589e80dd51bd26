"""The programs as people start them: what they say, what they leave, and how they fail."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from launching import PATIENCE, TINY, Ended, Forked, environment, real, run, tiny
from local_server import serving

from nextchar import cli, results
from nextchar.config import Config
from nextchar.data import corpus, download, source
from nextchar.experiment import stored
from nextchar.runtime import checked

Compose = Callable[..., Config]
SEEDS = 2


@pytest.fixture
def copied(tiny_run: Path, tmp_path: Path) -> Path:
    """A working folder in which the tiny run is finished."""
    return Path(shutil.copytree(tiny_run.parents[2], tmp_path, symlinks=True, dirs_exist_ok=True))


def times(folder: Path) -> dict[str, int]:
    """When each file below `folder` was written; what a link points to is not followed."""
    return {
        path.relative_to(folder).as_posix(): path.lstat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and path.name != "latest"
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def hashes(outputs: Path) -> dict[str, str]:
    facts = results.read_json(outputs / "latest" / results.MANIFEST)
    return dict(facts["sha256"])


def table_of(ended: Ended) -> str:
    table, _, path = ended.out.rstrip("\n").rpartition("\nreport: ")
    assert path.endswith("report.html")
    return table


# Words only: nothing is computed, so torch is not needed


HEAVY = {"torch", "labml", "matplotlib", "scipy"}
"""What takes a second or more to import."""


def loaded(folder: Path, suspects: set[str], *arguments: str) -> tuple[list[str], str, str]:
    """What the command prints, its errors, and which of the suspects were imported by its end."""
    code = (
        "import sys; from nextchar import cli\n"
        "try: cli.run()\n"
        f"finally: print(*sorted({suspects!r} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment(COMP_LINE="nextchar-run model=", COMP_POINT="19"),
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, modules = ended.stdout.splitlines()
    return lines, ended.stderr, modules


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["-sc", "query=bash"]])
def test_words_need_no_torch(folder: Path, arguments: list[str]) -> None:
    assert loaded(folder, HEAVY, *arguments)[1:] == ("", "")
    assert names(folder) == ["play.txt"]


def test_what_is_finished_is_shown_without_torch(folder: Path) -> None:
    """And what is computed needs neither the compiler nor scipy.stats: two seconds for nothing."""
    *_, computed = loaded(folder, HEAVY | {"torch._dynamo", "scipy.stats"}, *TINY)
    assert computed == " ".join(sorted(HEAVY))
    table, _, shown = loaded(folder, HEAVY, *TINY)
    assert shown == ""
    assert table[-1].startswith("report: ")


@pytest.mark.parametrize("arguments", [["--help"], ["seed=3", "--cfg", "job"]])
def test_an_installed_wheel_starts(folder: Path, arguments: list[str]) -> None:
    """The packages as a wheel puts them: side by side in a folder, nothing editable about them."""
    root = Path(__file__).parents[2]
    site = folder / "site"
    shutil.copytree(root / "src", site, ignore=shutil.ignore_patterns("*.egg-info", "*.pyc"))
    shutil.copytree(root / "conf", site / "nextchar" / "conf")
    ended = real(folder, "run", *arguments, PYTHONPATH=str(site))
    assert (ended.code, ended.err) == (0, "")


def test_help_can_be_cut_off(folder: Path) -> None:
    """As `| head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    code = "from nextchar import cli; cli.run()"
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(
            [sys.executable, "-c", code, "--help"],
            cwd=folder,
            env=environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_help_explains_groups_keys_and_examples(folder: Path) -> None:
    ended = run(folder, "--help")
    assert (ended.code, ended.err) == (0, "")
    for group in ("corpus", "model", "training", "decoding", "experiment"):
        assert re.search(rf"^{group}: \w+", ended.out, re.M), "its options"
        assert re.search(rf"^ +{group}  +\w+", ended.out, re.M), "its explanation"
    for key in ("learning_rate: 0.02", "samples_per_prompt: 1", "fallback: grammar"):
        assert key in ended.out
    assert "experiments/run.py -m " in ended.out


def test_cfg_job_prints_the_config_and_runs_nothing(folder: Path) -> None:
    ended = run(folder, "seed=3", "experiment=smoke", "--cfg", "job", "--resolve")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("name: smoke\nseed: 3\n")
    assert "hydra" not in ended.out
    assert names(folder) == ["play.txt"]


COMPLETIONS = [
    ("model=", {"model=transformer", "model=labml_nn"}),
    ("experiment=s", {"experiment=smoke"}),
    ("training.st", {"training.steps="}),
]


@pytest.mark.parametrize(
    "program",
    [
        "nextchar-run",
        "python run.py",
    ],
)
def test_bash_completes(folder: Path, program: str) -> None:
    """What Hydra installs, evaluated by bash, and asked as bash asks it."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    start = f"#!{sys.executable}\nfrom nextchar.cli import run\nrun()\n"
    (bin_folder / "nextchar-run").write_text(start, encoding="utf-8")
    (bin_folder / "nextchar-run").chmod(0o755)
    (bin_folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (bin_folder / "python").chmod(0o755)
    shutil.copy(Path(__file__).parents[2] / "experiments" / "run.py", folder)
    script = [f'eval "$({program} --shell-completion install=bash)"']
    for word, _ in COMPLETIONS:
        line = f"{program} {word}"
        script += [
            f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}",
            f"COMP_CWORD={len(line.split()) - 1} COMPREPLY=()",
            "hydra_bash_completion; echo ${COMPREPLY[*]}",
        ]
    ended = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment(PATH=f"{bin_folder}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [set(line.split()) for line in ended.stdout.splitlines()]
    assert len(answers) == len(COMPLETIONS), ended.stderr
    for answer, (_, wanted) in zip(answers, COMPLETIONS, strict=True):
        assert wanted <= answer


# A run


def test_a_run_ends_with_table_and_path(first: Ended, tiny_run: Path) -> None:
    assert first.code == 0
    rows = [line.split("  ")[0] for line in table_of(first).splitlines()]
    for label in ("greedy", "temperature=0.7 top_p=0.9", "human"):
        assert any(row.startswith(label) for row in rows)
    path = first.out.splitlines()[-1].removeprefix("report: ")
    assert tiny_run.parents[2] / path == tiny_run / "report.html"


def test_a_run_leaves_what_the_contract_says(tiny_run: Path) -> None:
    promised = {
        "config.yaml",
        "manifest.json",
        "metrics.csv",
        "metrics.json",
        "timings.json",
        "samples.jsonl",
        "plots",
        "report.html",
        "labml",
        "DONE",
    }
    left = set(names(tiny_run))
    assert promised <= left
    further = left - promised - {"sums.npz"}
    assert all(name.endswith(".csv") for name in further), "only further tables"
    plots = {path.suffix for path in (tiny_run / "plots").iterdir()}
    assert plots == {".png", ".svg"}
    (logged,) = (tiny_run / "labml").iterdir()
    assert (logged / "sqlite.db").is_file()
    assert list((logged / "tensorboard").iterdir())
    assert (logged / "texts.jsonl").is_file()
    model = (
        tiny_run.parents[1] / "models" / results.read_json(tiny_run / "manifest.json")["model_id"]
    )
    assert {path.name for path in model.iterdir()} == {
        "last.safetensors",
        "best.safetensors",
        "config.yaml",
        "model.json",
        "training.csv",
        "DONE",
        "vocabulary.json",
    }
    with (model / "training.csv").open(encoding="utf-8") as file:
        assert file.readline() == "step,train_loss,val_loss,learning_rate,characters_per_second\n"
    with (tiny_run / "metrics.csv").open(encoding="utf-8") as file:
        assert file.readline() == "sampler,metric,value,low,high,n,unit\n"


def test_the_manifest_says_where_figures_come_from(tiny_run: Path, play: str) -> None:
    facts = results.read_json(tiny_run / results.MANIFEST)
    assert facts["code"]["commit"] is None or re.fullmatch("[0-9a-f]{40}", facts["code"]["commit"])
    assert facts["corpus"]["sha256"] == hashlib.sha256(play.encode()).hexdigest()
    assert facts["hardware"]["threads"] == 1
    assert {"torch", "labml", "labml-nn", "hydra-core"} <= set(facts["packages"])
    assert facts["sha256"]["samples"] == sha256(tiny_run / results.SAMPLES)
    assert facts["sha256"]["metrics"] == sha256(tiny_run / results.METRICS)
    assert {"weights", "samples", "metrics"} <= set(facts["sha256"])
    assert facts["times"]["started"] <= facts["times"]["finished"]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_samples_have_their_bits(tiny_run: Path) -> None:
    samples = results.read_samples(tiny_run / results.SAMPLES)
    assert [sample.sampler for sample in samples[::4]] == [
        "greedy",
        "temperature=0.7 top_p=0.9",
        "human",
    ]
    assert all(len(sample.text) == len(sample.bits) == 16 for sample in samples)


def test_done_is_written_last(tiny_run: Path) -> None:
    assert max(times(tiny_run).items(), key=lambda item: item[1])[0] == results.DONE


def test_no_temporary_file_is_left(tiny_run: Path) -> None:
    assert not [path for path in tiny_run.parents[1].rglob("*") if path.name.endswith(".tmp")]


def test_latest_is_a_relative_link(tiny_run: Path) -> None:
    latest = tiny_run.parents[1] / "latest"
    assert str(latest.readlink()) == f"runs/{tiny_run.name}"


def test_a_log_has_few_plain_lines(first: Ended) -> None:
    assert len(first.lines) < 40
    assert re.fullmatch(r"[\n\x20-\x7e]*", first.err)
    assert "Warning" not in first.err
    assert re.search(r"training +12/12", first.err)
    assert re.search(r"generating +128/128", first.err)


def test_nothing_of_the_user_is_written_elsewhere(tiny_run: Path) -> None:
    assert {path.name for path in tiny_run.parents[2].iterdir()} == {"play.txt", "outputs"}


# Again


def test_a_repeat_shows_what_is_stored(first: Ended, copied: Path) -> None:
    before = times(copied)
    ended = tiny(copied)
    assert ended.out == first.out
    assert len(ended.lines) == 1
    assert ended.err.startswith("finished on ")
    assert times(copied) == before


def test_a_repeat_makes_its_run_the_latest(copied: Path) -> None:
    (copied / "outputs" / "latest").unlink()
    tiny(copied)
    assert str((copied / "outputs" / "latest").readlink()).startswith("runs/tiny-")


def test_force_computes_the_same_again(tiny_run: Path, copied: Path) -> None:
    before = times(copied)
    ended = tiny(copied, "force=true", FORCE_COLOR="1")
    assert "\x1b" not in ended.err + ended.out, "a pipe stays plain where colours are forced"
    assert hashes(copied / "outputs") == hashes(tiny_run.parents[1])
    assert "training  12/12" in ended.err
    after = times(copied)
    written = {name for name in after if after[name] != before.get(name)}
    assert written == set(after) - {"play.txt"}


def test_other_samplers_do_not_train_again(copied: Path) -> None:
    models = copied / "outputs" / "models"
    before = times(models)
    ended = tiny(copied, "decoding.samplers=[{top_k: 3}]")
    assert times(models) == before
    assert "training " not in ended.err
    assert "is trained already" in ended.err
    assert len(list((copied / "outputs" / "runs").glob("*/DONE"))) == 2


def test_what_another_code_made_is_shown_with_a_warning(copied: Path, first: Ended) -> None:
    path = copied / "outputs" / "latest" / results.MANIFEST
    facts = results.read_json(path)
    facts["code"]["sha256"] = "0" * 64
    results.write_json(path, facts)
    results.seal(path.parent)
    ended = tiny(copied)
    assert ended.out == first.out
    assert ended.lines[0].startswith("warning: these results were made by another version")


@pytest.mark.slow
def test_several_seeds_in_one_command(tiny_run: Path, folder: Path) -> None:
    ended = run(folder, *TINY, "seed=1,0", "-m")
    assert ended.code == 0, ended.err
    for kind in ("runs", "models"):
        done = [path for path in (folder / "outputs" / kind).iterdir() if path.is_dir()]
        assert len(done) == SEEDS
    same = folder / "outputs" / "runs" / tiny_run.name / results.MANIFEST
    assert results.read_json(same)["sha256"] == hashes(tiny_run.parents[1]), "as alone"
    assert names(folder) == ["outputs", "play.txt"]
    assert (folder / "outputs" / "latest").resolve().parent.name == "sweeps"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(copied: Path, closed: str) -> None:
    code = f"import sys; sys.argv[1:] = {list(TINY)!r}; from nextchar import cli; cli.run()"
    shown = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code],
        cwd=copied,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0
    assert "Traceback" not in shown.stderr
    assert results.damage((copied / "outputs" / "latest").resolve()) == []


def test_a_run_is_shown_where_nothing_can_be_written(
    copied: Path, compose: Compose, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a disk that is only read: here the link's new name is taken by a folder."""
    (copied / "outputs" / f".latest.{os.getpid()}.tmp").mkdir()
    places = (f"corpus.path={copied / 'play.txt'}", f"paths.outputs={copied / 'outputs'}")
    found = stored.find_run(compose(*TINY, *places))
    assert found is not None
    assert found.samplers[0] == "greedy"
    assert "note: outputs/latest stays as it is (" in capsys.readouterr().err


def test_a_finished_run_needs_its_model_no_more(copied: Path, first: Ended) -> None:
    shutil.rmtree(copied / "outputs" / "models")
    assert tiny(copied).out == first.out


# What the user did wrong

WRONG = {
    "unknown key": ["training.stps=5"],
    "unknown option": ["experiment=nonsense"],
    "group without option": ["training=null"],
    "not an override": ["nonsense"],
    "not in Hydra's grammar": ["name=a~b~"],
    "wrong type": ["training.steps=many"],
    "out of bounds": ["training.steps=0"],
    "a rate past float32": ["training.learning_rate=1e300"],
    "no such device": ["device=tpu"],
    "unknown sampler": ["decoding.samplers=[greedi]"],
    "bad sampler": ["decoding.samplers=[{top_p: 1.5}]"],
    "sampler twice": ["decoding.samplers=[greedy,greedy]"],
    "missing file": ["corpus.path=none.txt"],
    "a folder": ["corpus.path=."],
    "missing file at home": ["corpus.path='~/nextchar-none.txt'"],
    "results at home": ["paths.outputs='~/results'"],
    "results elsewhere": ["paths.outputs=s3://results"],
    "results too deep for sqlite": [f"paths.outputs={'/'.join(['x' * 99] * 5)}"],
    "a sweep at home": ["-m", "seed=0,1", "paths.outputs='~/results'"],
    "wrong sha256": ["corpus.sha256=00"],
    "shorter than the context": ["model.context=4096"],
    "shorter than the texts": ["decoding.length=4096"],
    "not UTF-8": ["corpus.path=latin.txt"],
    "empty": ["corpus.path=empty.txt"],
    "no network and no fallback": [
        "corpus=tiny_shakespeare",
        "corpus.path=data/none.txt",
        "corpus.url=http://127.0.0.1:9/none",
        "corpus.fallback=null",
    ],
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_line(folder: Path, mistake: str) -> None:
    (folder / "latin.txt").write_bytes("café".encode("latin-1") * 1000)
    (folder / "empty.txt").touch()
    before = names(folder)
    ended = run(folder, *TINY, *WRONG[mistake])
    assert_one_line(ended, 2)
    assert names(folder) == before


@pytest.mark.parametrize("override", ["seed=0,1", "seeds=0,1"])
def test_several_values_ask_for_a_sweep(folder: Path, override: str) -> None:
    ended = run(folder, *TINY, override)
    assert_one_line(ended, 2)
    assert ended.err.endswith(
        f"{override}: has several values: add -m for a run with each of them\n"
    )


def test_a_model_that_cannot_be_built_is_one_line(folder: Path) -> None:
    ended = run(folder, *TINY, "model=labml_nn", "model.key_value_heads=1")
    assert_one_line(ended, 2)
    assert names(folder) == ["play.txt"]


@pytest.mark.parametrize("mistake", ["unknown key", "out of bounds", "missing file"])
def test_a_mistake_is_one_line_for_real(folder: Path, mistake: str) -> None:
    ended = real(folder, "run", *TINY, *WRONG[mistake])
    assert_one_line(ended, 2)
    assert names(folder) == ["play.txt"]


def assert_one_line(ended: Ended, code: int) -> None:
    assert (ended.code, ended.out) == (code, "")
    (line,) = ended.lines
    assert line.startswith("nextchar: ")
    reasons = re.split(": |; ", line.removeprefix("nextchar: "))
    assert all(reasons.count(each) == 1 for each in reasons if " " in each), "says a thing twice"


@pytest.mark.parametrize("outputs", ["play.txt", "play.txt/deeper"])
def test_outputs_that_cannot_be_written_are_one_line(folder: Path, outputs: str) -> None:
    ended = run(folder, *TINY, f"paths.outputs={outputs}")
    assert_one_line(ended, 1)
    assert outputs.split("/", maxsplit=1)[0] in ended.err


@pytest.mark.parametrize("kind", ["folder", "file"])
@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_latest_must_be_a_link(folder: Path, kind: str, mode: list[str]) -> None:
    """Said before anything is computed, and what stands there stays."""
    latest = folder / "outputs" / "latest"
    latest.mkdir(parents=True) if kind == "folder" else (latest.parent.mkdir(), latest.touch())
    ended = run(folder, *TINY, *mode)
    assert_one_line(ended, 2)
    assert f"latest is a {kind}, and must be a link to the newest run: move it away" in ended.err
    assert latest.exists()
    assert not list((folder / "outputs").glob("runs/*"))


ANYWHERE = [
    (["a=1", "-m", "seed=0,1"], ["a=1", "seed=0,1", "-m"]),
    (["--cfg", "job", "a=1", "--resolve", "b=2"], ["a=1", "b=2", "--cfg", "job", "--resolve"]),
    (["-cn", "config", "seed=1", "seed=1"], ["seed=1", "seed=1", "-cn", "config"]),
    (["-sc", "query=bash"], ["query=bash", "-sc"]),
    (["--info", "config", "a=1"], ["a=1", "--info", "config"]),
]


@pytest.mark.parametrize(("typed", "ordered"), ANYWHERE)
def test_options_may_stand_between_overrides(typed: list[str], ordered: list[str]) -> None:
    assert cli._options_last(typed) == ordered


def test_an_option_between_overrides_is_heard(folder: Path) -> None:
    ended = run(folder, "experiment=smoke", "--cfg", "job", "seed=3")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("name: smoke\nseed: 3\n")


def test_a_validation_split_within_one_context(folder: Path) -> None:
    tiny(folder, "model.context=600")


def test_a_diverged_training_is_one_line(folder: Path) -> None:
    ended = run(folder, *TINY, "training.weight_decay=1e9")
    assert ended.code != 0
    assert "Traceback" not in ended.err


# The report, opened


def viewed(folder: Path, *arguments: str) -> tuple[Ended, str]:
    """What nextchar-view says, and what it hands to the browser."""
    browser = folder / "browser"
    browser.write_text('#!/bin/sh\necho "$1" >> opened\n', encoding="utf-8")
    browser.chmod(0o755)
    ended = Forked(folder, *arguments, program="view", BROWSER=str(browser)).wait()
    opened = folder / "opened"
    return ended, opened.read_text(encoding="utf-8").strip() if opened.exists() else ""


def test_view_opens_the_newest(copied: Path) -> None:
    ended, opened = viewed(copied)
    report = (copied / "outputs" / "latest").resolve() / "report.html"
    assert (ended.code, ended.out, ended.err) == (0, f"{report}\n", "")
    assert opened == report.as_uri()


@pytest.mark.parametrize("form", ["name", "folder", "absolute", "file", "id", "begun"])
def test_view_opens_a_named_run(copied: Path, tiny_run: Path, form: str) -> None:
    (copied / "outputs" / "latest").unlink()
    name = {
        "name": tiny_run.name,
        "folder": f"outputs/runs/{tiny_run.name}",
        "absolute": str(copied / "outputs" / "runs" / tiny_run.name),
        "file": f"outputs/runs/{tiny_run.name}/metrics.csv",
        "id": tiny_run.name.rpartition("-")[2],
        "begun": tiny_run.name[:8],
    }[form]
    ended, opened = viewed(copied, name)
    report = copied.resolve() / "outputs" / "runs" / tiny_run.name / "report.html"
    assert (ended.code, ended.out) == (0, f"{report}\n")
    assert opened == report.as_uri()


def test_view_finds_outputs_elsewhere(tiny_run: Path, folder: Path) -> None:
    outputs = str(tiny_run.parents[1])
    ended = Forked(folder, program="view", NEXTCHAR_OUTPUTS=outputs).wait()
    assert ended.out == f"{tiny_run / 'report.html'}\n"


def test_view_lists_what_there_is_and_how_far(copied: Path, tiny_run: Path) -> None:
    listed = Forked(copied, "--list", program="view").wait()
    assert re.fullmatch(rf"{tiny_run.name}  finished 20\S+\n", listed.out)
    copy = copied / "outputs" / "runs" / tiny_run.name
    (copy / results.DONE).unlink()
    (model_id,) = results.model_ids(results.read_json(copy / results.MANIFEST))
    model = copied / "outputs" / "models" / model_id
    rows = [asdict(record) for record in results.read_training(model / results.TRAINING)]
    checked.write_json(model / results.HISTORY, {"records": rows})
    (model / results.MODEL).unlink()
    listed = Forked(copied, "--list", program="view").wait()
    assert listed.out == f"{tiny_run.name}  stopped at step 12 of 12\n"
    (copy / results.REPORT).unlink()
    ended, opened = viewed(copied)
    assert_one_line(ended, 2)
    assert "stopped at step 12 of 12; repeating its command goes on from there" in ended.err
    assert opened == ""


def test_view_of_two_runs_compares_them(copied: Path, tiny_run: Path) -> None:
    tiny(copied, "training.steps=8", "name=shorter")
    ended, opened = viewed(copied, "tiny", "shorter")
    assert (ended.code, ended.err) == (0, "")
    page = Path(ended.out.strip())
    assert opened == page.as_uri()
    text = page.read_text(encoding="utf-8").replace("<wbr>", "")
    first, second = (
        results.read_run(copied / "outputs" / "runs" / n) for n in page.parent.name.split("_")
    )
    keys = re.findall(r'<th scope="row">([\w.]+)</th><td>', text)
    assert keys[:2] == ["name", "training.steps"]
    one, other = (run.value("greedy", "bits_per_character") for run in (first, second))
    assert one
    assert other
    row = text.partition('<th scope="row">greedy</th>')[2].partition("</tr>")[0]
    *_, gap = re.findall(r"<b>(-?[\d.]+)</b>", row)
    assert float(gap) == pytest.approx(other.value - one.value, abs=0.06)
    assert "resampling both alike" in text
    ended, _ = viewed(copied, "tiny", "tiny")
    assert_one_line(ended, 2)


def test_view_draws_a_figure_for_print(copied: Path) -> None:
    ended, opened = viewed(copied, "--figure", "loss_curves", "--format", "svg", "--width", "3.3")
    assert (ended.code, ended.out, ended.err, opened) == (0, "loss_curves.svg\n", "", "")
    assert 'width="237.6pt"' in (copied / "loss_curves.svg").read_text(encoding="utf-8")
    ended, _ = viewed(copied, "tiny", "--figure", "metrics", "--output", "new/metrics.pdf")
    assert (ended.code, ended.out) == (0, "new/metrics.pdf\n")
    assert (copied / "new" / "metrics.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--figure", "nonsense"],
        ["--figure", "loss_curves", "--width", "0"],
        ["--figure", "loss_curves", "--width", "nan"],
        ["--figure", "loss_curves", "--output", "figure.gif"],
        ["tiny", "tiny", "--figure", "loss_curves"],
        ["--width", "3.3"],
    ],
)
def test_a_figure_that_cannot_be_drawn_is_one_line(copied: Path, arguments: list[str]) -> None:
    before = names(copied)
    assert_one_line(Forked(copied, *arguments, program="view").wait(), 2)
    assert names(copied) == before


def test_view_without_a_browser_says_how_to_look(copied: Path) -> None:
    ended = Forked(copied, program="view", BROWSER="false").wait()
    assert ended.code == 0
    assert "no browser here" in ended.err
    assert "ssh -L 8000:127.0.0.1:8000" in ended.err


@pytest.mark.parametrize("arguments", [["nonsense"], []])
def test_view_of_nothing_is_one_line(folder: Path, arguments: list[str]) -> None:
    ended, opened = viewed(folder, *arguments)
    assert_one_line(ended, 2)
    assert opened == ""


# Downloads

TEXT = b"ANN:\nGood morrow, and be well.\n\n" * 400
SERVED = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """An address on this machine that serves a text well, and badly in several ways."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/hangs":
                over.wait(PATIENCE)
                return
            if self.path == "/babbles":
                self.wfile.write(b"never heard of HTTP\r\n\r\n")
                return
            self.send_response(500 if self.path == "/breaks" else 200)
            if self.path != "/unmeasured":
                self.send_header("Content-Length", str(len(TEXT)))
            self.end_headers()
            self.wfile.write(TEXT[:5000] if self.path in ("/truncated", "/stalls") else TEXT)
            if self.path == "/stalls":
                over.wait(PATIENCE)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler, over) as address:
        yield address


def asked_for(url: str) -> list[str]:
    return [
        "corpus=tiny_shakespeare",
        "corpus.path=data/fetched.txt",
        f"corpus.url={url}",
        f"corpus.sha256={SERVED}",
        "corpus.characters=1000",
    ]


def test_a_missing_text_is_downloaded_once(folder: Path, served: str) -> None:
    ended = tiny(folder, *asked_for(f"{served}/well"))
    assert sha256(folder / "data" / "fetched.txt") == SERVED
    assert names(folder / "data") == ["fetched.txt"]
    assert re.search(r"downloading fetched.txt +12,800/12,800", ended.err)
    facts = results.read_json(folder / "outputs" / "latest" / results.MANIFEST)
    assert facts["corpus"]["substituted"] is None
    again = tiny(folder, *asked_for("http://127.0.0.1:9/gone"))
    assert "finished on " in again.err
    (folder / "data" / "fetched.txt").unlink()
    without = tiny(folder, *asked_for("http://127.0.0.1:9/gone"))
    assert (without.out, without.err) == (again.out, again.err), "its sha256 is known"


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A working folder in which a run could not have its text."""
    folder = tmp_path_factory.mktemp("replaced")
    return folder, tiny(folder, *asked_for("http://127.0.0.1:9/none"))


def test_an_unreachable_text_is_replaced_and_said_so(replaced: tuple[Path, Ended]) -> None:
    folder, ended = replaced
    assert not (folder / "data").exists()
    latest = folder / "outputs" / "latest"
    facts = results.read_json(latest / results.MANIFEST)["corpus"]
    assert (facts["name"], facts["requested"]) == ("grammar", "tiny_shakespeare")
    assert "the embedded corpus" in facts["substituted"]
    assert f"note: {facts['substituted']}" in ended.lines
    page = (latest / results.REPORT).read_text(encoding="utf-8")
    assert page.index('<aside class="notices"') < page.index("the embedded corpus")
    assert page.index("the embedded corpus") < page.index('<section id="table"')


def corpus_of(folder: Path, *overrides: str) -> dict[str, Any]:
    """What the manifest of another run in `folder` says of its text."""
    tiny(folder, *overrides)
    return dict(results.read_json(folder / "outputs" / "latest" / results.MANIFEST)["corpus"])


def test_the_same_text_asked_for_is_not_said_to_be_replaced(
    replaced: tuple[Path, Ended], tmp_path: Path
) -> None:
    """And the other way round: where it was asked for first, a later replacement is said."""
    shutil.copytree(replaced[0], tmp_path, symlinks=True, dirs_exist_ok=True)
    asked = corpus_of(tmp_path, "corpus=grammar", "corpus.characters=1000")
    assert (asked["requested"], asked["substituted"]) == ("grammar", None)


def test_the_play_as_a_file_is_another_model(replaced: tuple[Path, Ended], tmp_path: Path) -> None:
    """It has the same characters, but only those that stand in it are known."""
    from nextchar.data.grammar import compiler

    shutil.copytree(replaced[0], tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "written.txt").write_text(compiler.write_play(1000, 0), encoding="utf-8")
    asked = corpus_of(tmp_path, "corpus.path=written.txt")
    assert asked["vocabulary_size"] == len(set(compiler.write_play(1000, 0)))


def test_a_wrong_text_is_not_kept(folder: Path, served: str) -> None:
    """Nor replaced: something is wrong that a person must look at."""
    ended = run(folder, *TINY, *asked_for(f"{served}/well"), "corpus.sha256=00")
    *before, last = ended.lines
    assert ended.code == 2
    assert all(line.startswith("downloading ") for line in before)
    assert "corpus.sha256=00" in last
    assert "delete" not in last, "there is nothing to delete"
    assert names(folder) == ["play.txt"]


@pytest.fixture
def fetched(
    folder: Path, served: str, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., corpus.Corpus]:
    """`fetched(way)`: the corpus that one of the served addresses gives, in this process."""
    monkeypatch.setattr(download, "CONNECTION_TIMEOUT", 0.2)
    monkeypatch.setenv("no_proxy", "*")

    def load(way: str, *overrides: str) -> corpus.Corpus:
        path = f"corpus.path={folder / 'data' / 'fetched.txt'}"
        asked = compose(*asked_for(f"{served}/{way}"), path, *overrides)
        return corpus.load(asked.corpus)

    return load


@pytest.mark.parametrize("way", ["well", "unmeasured"])
@pytest.mark.parametrize("known", [SERVED, "null"])
def test_a_whole_text_is_kept(
    folder: Path, fetched: Callable[..., corpus.Corpus], way: str, known: str
) -> None:
    assert fetched(way, f"corpus.sha256={known}").sha256 == SERVED
    assert names(folder / "data") == ["fetched.txt"]


@pytest.mark.parametrize("way", ["truncated", "breaks", "hangs", "stalls", "babbles"])
@pytest.mark.parametrize("known", [SERVED, "null"])
def test_a_text_that_does_not_come_whole_is_missing(
    folder: Path, fetched: Callable[..., corpus.Corpus], way: str, known: str
) -> None:
    """Also where there is no sha256 to find it out by."""
    with pytest.raises(source.CorpusMissingError, match="could not be reached") as raised:
        fetched(way, f"corpus.sha256={known}", "corpus.fallback=null")
    assert "\n" not in str(raised.value)
    assert names(folder) == ["play.txt"], "nothing is left of it"
