"""`nextchar-sample [RUN]`: continue a prompt of one's own with the model of a run."""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from rich.console import Console
from rich.style import Style
from rich.text import Text

from nextchar import api
from nextchar.config import ConfigError
from nextchar.config.validation import require
from nextchar.report.samples import CONTROLS, EDGES
from nextchar.results import DONE, MANIFEST, MODEL, model_ids, read_json
from nextchar.runtime import checked, progress

if TYPE_CHECKING:
    from nextchar.decoding.registry import Decoder
    from nextchar.training.store import StoredModel

EXAMPLES = """examples:
  nextchar-sample --prompt 'ROMEO:' --bits
  nextchar-sample --sampler '{temperature: 0.7, best_of: 8}' --samples 3
  echo 'JULIET:' | nextchar-sample compare --file - --json
"""
TINTS = ("#fdf4e0", "#fbe5bb", "#f8cd94", "#f3ab80", "#e98a78")
"""Behind a character, by how many of the page's EDGES its bits reach."""
ALIKE = {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\t": " "}
"""What may stand for a character that a model does not know."""


def sample() -> None:
    """The command, with the arguments of the command line. Raises ConfigError for a mistake."""
    given = _parser().parse_args()
    for name in ("samples", "length"):
        require(getattr(given, name) >= 1, f"--{name}", getattr(given, name), "must be at least 1")
    require(0 <= given.seed < 2**32, "--seed", given.seed, "must be at least 0 and below 2^32")
    prompt, folder = _prompt(given), api.find_folder(given.run or api.newest_run())
    folder_of_model, checkpoint = model_folder(folder)
    from nextchar.decoding.stream import stream
    from nextchar.runtime import device
    from nextchar.training import store

    stored = store.load(folder_of_model, checkpoint)
    device.configure_torch(stored.config.threads)
    decoder, characters = _decoder(given.sampler, stored), stored.vocabulary.characters
    if unknown := [each for each in prompt if each not in characters]:
        raise ConfigError(_unknown(unknown[0], characters))
    ids = stored.vocabulary.encode(prompt)
    for number in range(given.samples):
        written = stream(
            stored.model, ids, decoder, sample=number, length=given.length, seed=given.seed
        )
        text = ((characters[index], bits) for index, bits in written)
        if given.json:
            facts = {"run": folder.name, "model": folder_of_model.name, "sampler": decoder.label}
            print(_as_json(facts | {"seed": given.seed, "sample": number}, prompt, text))
        else:
            if given.samples > 1:
                print(f"--- {number + 1} of {given.samples} ---")
            _show(prompt, text, tinted=given.bits)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nextchar-sample",
        description="Continue a prompt with the model of a run; the text appears as it is written.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="a run or model: its folder, name, or the beginning of its id; the newest run by "
        "default",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--prompt", metavar="TEXT", help="what is continued; a new line by default")
    source.add_argument("--file", metavar="FILE", help="read the prompt here; - is standard input")
    parser.add_argument(
        "--sampler",
        metavar="SAMPLER",
        default="{temperature: 0.8, top_p: 0.95}",
        help="a sampler or search, as in decoding.samplers; %(default)s by default",
    )
    parser.add_argument("--samples", type=int, default=1, help="how many texts; 1 by default")
    parser.add_argument(
        "--length", type=int, default=500, help="characters of each; 500 by default"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers; 0 by default")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument(
        "--bits", action="store_true", help="tint characters by how surprising they are"
    )
    shape.add_argument("--json", action="store_true", help="one JSON object a text, with its bits")
    return parser


def _prompt(given: argparse.Namespace) -> str:
    if given.file is None:
        prompt = "\n" if given.prompt is None else str(given.prompt)
        require(bool(prompt), "--prompt", prompt, "is empty; give at least one character")
        return prompt
    try:
        content = sys.stdin.buffer.read() if given.file == "-" else Path(given.file).read_bytes()
        prompt = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--file={given.file}: {error}; name a text file, UTF-8") from error
    require(bool(prompt), "--file", given.file, "is empty; give at least one character")
    return prompt


def model_folder(folder: Path) -> tuple[Path, str | None]:
    """The folder of a run's model and which of its weights the run used; of several seeds the
    first. A model stands for itself, with the weights that its own config asks for."""
    if (folder / MODEL).exists():
        return folder, None
    if not (folder / DONE).exists():
        what = "is a sweep" if (folder / "sweep.json").exists() else "is not finished"
        raise ConfigError(f"RUN={folder.name}: {what}; name a finished run: nextchar-view --list")
    checked.check(folder, MANIFEST, all_files=False)
    manifest = read_json(folder / MANIFEST)
    models = folder.parent.parent / "models"
    return models / model_ids(manifest)[0], manifest["model"]["checkpoint"]


def _decoder(text: str, stored: StoredModel) -> Decoder:
    """The sampler or search that the command line names, ready to write."""
    try:
        return ready_decoder(_spec(text), stored)
    except ConfigError as error:
        raise ConfigError(str(error).replace("decoding.samplers", "--sampler", 1)) from error


def ready_decoder(spec: Any, stored: StoredModel) -> Decoder:
    """A sampler or search, tried on the model. Raises ConfigError about decoding.samplers."""
    from nextchar.data import corpus
    from nextchar.decoding.registry import build_decoder, try_decoders
    from nextchar.decoding.search import Search

    decoder = build_decoder(spec)
    try_decoders([decoder], stored.model, len(stored.vocabulary), stored.config.decoding)
    if isinstance(decoder, Search) and type(decoder).prepared is not Search.prepared:
        text_read = corpus.load(stored.config.corpus)
        return decoder.prepared(text_read.train, len(stored.vocabulary))
    return decoder


def _spec(text: str) -> Any:
    """A sampler as Hydra reads it in an override."""
    try:
        return OverridesParser.create().parse_override(f"sampler={text}").value()
    except HydraException:
        form = "write greedy, or '{temperature: 0.8, top_p: 0.95}' in quotes"
        raise ConfigError(f"--sampler={text}: can't be read; {form}") from None


def _unknown(character: str, known: str) -> str:
    """What to say of a character that the model has never read, in one line."""
    near = [ALIKE.get(character, ""), *unicodedata.normalize("NFKD", character)]
    instead = next((each for each in [*near, character.swapcase()] if each and each in known), None)
    remedy = f"write {instead!r} instead" if instead else f"it knows {known!r}"
    return (
        f"--prompt: has {character!r} (U+{ord(character):04X}), which this model has never read; "
        f"{remedy}"
    )


def _as_json(facts: dict[str, Any], prompt: str, text: Iterator[tuple[str, float]]) -> str:
    characters, bits = zip(*text, strict=True)
    rounded = [round(each, 6) for each in bits]
    return json.dumps(
        {**facts, "prompt": prompt, "text": "".join(characters), "bits": rounded},
        ensure_ascii=False,
    )


def _show(prompt: str, text: Iterator[tuple[str, float]], *, tinted: bool) -> None:
    """Prompt and text, a character as soon as it is chosen; control characters as pictures."""
    console = Console(highlight=False)
    colours = console.color_system is not None
    if not console.is_terminal:  # a pipe gets the text as it is
        print(prompt, end="", flush=True)
    else:
        console.print(Text(prompt.translate(CONTROLS), "bold"), end="", soft_wrap=True)
    total, count = 0.0, 0
    for character, bits in text:
        total, count = total + bits, count + 1
        if not console.is_terminal:
            print(character, end="", flush=True)
            continue
        level = bisect_right(EDGES, bits) if tinted and colours else 0
        look = Style(color="black", bgcolor=TINTS[level - 1]) if level else ""
        console.print(Text(character.translate(CONTROLS), look), end="", soft_wrap=True)
    print()
    if tinted:
        plain = "" if colours else " (no tints: this is no terminal with colours)"
        progress.say(f"{total / count:.2f} bits per character{plain}")
