"""nextchar-play: a real server, asked over its socket."""

from __future__ import annotations

import json
import socket
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from launching import Forked
from serving import Answer, Served, slow_run

from nextchar import results
from nextchar.config import MODEL_KINDS
from nextchar.data.corpus import Vocabulary
from nextchar.models.registry import build_model
from nextchar.training.trainer import load_weights


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    return slow_run(tmp_path_factory.mktemp("slow"), play)


@pytest.fixture(scope="module")
def served(run: Path) -> Iterator[Served]:
    server = Served(run.parents[2])
    yield server
    assert server.end() == (130, "nextchar: interrupted\n")


def lines(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def vocabulary(run: Path) -> Vocabulary:
    return Vocabulary(results.read_json(run / results.MANIFEST)["corpus"]["vocabulary"])


def ids_of(run: Path, text: str) -> list[int]:
    ids: list[int] = vocabulary(run).encode(text).tolist()
    return ids


def test_it_says_where_it_is_and_how_to_reach_it(served: Served) -> None:
    assert served.said[0].startswith(f"http://127.0.0.1:{served.port}/ ")
    assert f"ssh -L {served.port}:127.0.0.1:{served.port} " in served.said[1]


def test_the_page_and_the_run_s_files_are_there(served: Served, run: Path) -> None:
    report = (run / results.REPORT).read_text(encoding="utf-8")
    for path in ("/", f"/{results.REPORT}"):
        page = served.ask("GET", path).text
        assert page.replace(' data-engine="python"', "") == report != page
    for path in run.iterdir():  # the list of files on the page, too, names them all
        assert f'href="{path.name}"' in report or path.name == results.REPORT
    for name in (results.METRICS, results.CONFIG):
        assert served.ask("GET", f"/{name}").text == (run / name).read_text(encoding="utf-8")
    assert served.ask("GET", "/../../models").status == 404


def test_texts_are_those_of_the_run(served: Served, run: Path) -> None:
    finished = results.read_run(run)
    specs = dict(zip(finished.samplers, finished.config["decoding"]["samplers"], strict=False))
    written = [each for each in finished.samples if each.sampler in specs]
    assert len(written) == 4 * 4
    for sample in written:
        asked = {
            "prompt": ids_of(run, sample.prompt_text),
            "spec": specs[sample.sampler],
            "count": len(sample.text),
            "seed": finished.config["seed"],
            "index": sample.prompt,
            "sample": sample.sample,
        }
        answer = lines(served.write(asked))
        assert answer[-1] == {"done": True}
        assert [each["id"] for each in answer[:-1]] == ids_of(run, sample.text), sample.sampler


def test_logits_are_the_model_s_along_a_given_text(served: Served, run: Path) -> None:
    (model_id,) = results.model_ids(results.read_json(run / results.MANIFEST))
    shape = results.read_run(run).config["model"]
    model = build_model(MODEL_KINDS[shape["kind"]](**shape), len(vocabulary(run)), seed=0).eval()
    load_weights(model, run.parents[1] / "models" / model_id, "last")
    prompt, text = ids_of(run, "ANN:\n"), ids_of(run, "the king of war and love to his men")
    answer = lines(served.write({"prompt": prompt, "forced": text, "count": len(text), "skip": 3}))[
        :-1
    ]
    assert [each["id"] for each in answer] == text[3:]
    found = np.stack([np.frombuffer(b64decode(each["logits"]), "<f4") for each in answer])
    with torch.no_grad():
        logits, cache = model.prefill(torch.tensor([prompt]))
        steps = [model.step(torch.tensor([index]), cache) for index in text[:-1]]
    assert np.abs(found - torch.cat([logits, *steps][3:]).numpy()).max() < 1e-5


@pytest.mark.parametrize("spec", [{"temperature": 1}, {"repetition_penalty": 1.5}, {"mirostat": 2}])
def test_a_text_goes_on_from_where_it_is(served: Served, run: Path, spec: Any) -> None:
    asked = {"prompt": ids_of(run, "ANN:"), "spec": spec, "count": 30, "seed": 3}
    whole = [each.get("id") for each in lines(served.write(asked))]
    rest = lines(served.write(asked | {"forced": whole[:12], "skip": 12}))
    assert [each.get("id") for each in rest] == whole[12:]


def test_a_second_writer_is_told_and_a_browser_that_goes_ends_the_first(served: Served) -> None:
    before = served.choices
    with served.writing(prompt=[1], spec="slow", count=1000):
        told = served.write({"prompt": [1], "spec": "greedy", "count": 1})
        assert told.status == 429
        assert told.text == "the model is writing another text; try again when it is finished"
    assert len(lines(served.write({"prompt": [1], "spec": "greedy", "count": 1}))) == 2
    assert served.choices < before + 900


def test_a_search_ends_too_where_its_browser_goes(served: Served) -> None:
    """Its answer begins, and its first character comes when the whole text is written."""
    before = served.choices
    with served.writing(prompt=[1], spec={"slow": None, "best_of": 4}, count=1000):
        assert served.choices < before + 900
    assert len(lines(served.write({"prompt": [1], "spec": "greedy", "count": 1}))) == 2
    assert served.choices < before + 900


REFUSED = [
    (403, "only a page of this server", {}, {"Origin": "http://evil.example"}),
    (403, "only a page of this server", {}, {"Origin": "null"}),
    (415, "application/json", {}, {"Content-Type": "text/plain"}),
    (413, "at most 262,144 bytes", {"prompt": [1] * 200_000}, {}),
    (400, "no JSON object", "[" * 100_000, {}),
    (400, "no JSON object", "[1]", {}),
    (400, "prompt: must be 1 to 10,000 characters", {"prompt": []}, {}),
    (400, "prompt: must be 1 to 10,000 characters", {"prompt": [1] * 10_001}, {}),
    (400, "prompt: must be", {"prompt": [10_000]}, {}),
    (400, "forced: must be", {"forced": [-1]}, {}),
    (400, "count: must be a whole number from 1 to 1,000", {"count": 1001}, {}),
    (400, "count: must be a whole number from 1 to 0", {"spec": None}, {}),
    (400, "seed: must be", {"seed": 1.5}, {}),
    (400, "index: must be a whole number from 0 to 3", {"index": 4}, {}),
    (400, "top_k=0: must be", {"spec": {"top_k": 0}}, {}),
    (400, "spec: must be of samplers", {"spec": {"best_of": 10_000}}, {}),
    (400, "spec: must be of samplers", {"spec": {"_target_": "os.system", "command": "id"}}, {}),
    (400, "spec: must be of samplers", {"spec": [["greedy"]]}, {}),
]


@pytest.mark.parametrize(("status", "reason", "change", "headers"), REFUSED)
def test_what_may_not_be_asked_is_refused_in_a_line(
    served: Served, status: int, reason: str, change: Any, headers: dict[str, str]
) -> None:
    fits = {"prompt": [1], "spec": "greedy", "count": 2}
    assert len(lines(served.write(fits))) == 3
    answer = served.write(change if isinstance(change, str) else fits | change, **headers)
    assert (answer.status, answer.text.count("\n")) == (status, 0)
    assert reason in answer.text


@pytest.mark.parametrize("path", ["/", "/write", "/report.html"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example"])
def test_another_name_that_leads_here_is_refused(served: Served, host: str, path: str) -> None:
    own = served.ask("GET", path, Host=f"localhost:{served.port}").status
    assert own == (404 if path == "/write" else 200)
    assert served.ask("GET", path, Host=host.format(port=served.port)).status == 400


def test_ctrl_c_ends_a_writing_and_frees_the_port(run: Path) -> None:
    server = Served(run.parents[2])
    taken = Forked(run.parents[2], "--port", str(server.port), program="play").wait()
    assert taken.code == 2
    assert taken.lines == [
        f"nextchar: --port={server.port}: address already in use; name another, or 0 for any that "
        "is free"
    ]
    with server.writing(prompt=[1], spec="slow", count=1000) as browser:
        assert server.end() == (130, "nextchar: interrupted\n")
        received = b"".join(iter(lambda: browser.recv(2**16), b""))
    assert b"done" not in received
    socket.create_server(("127.0.0.1", server.port)).close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "70000"], "--port=70000: must be from 0 to 65535"),
        (["nonsense"], "nonsense: no run, sweep or model is called so"),
    ],
)
def test_a_mistake_is_one_line(run: Path, arguments: list[str], reason: str) -> None:
    ended = Forked(run.parents[2], *arguments, program="play").wait()
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.lines
    assert reason in line
