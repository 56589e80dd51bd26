"""What a disk, a broken copy or an editor does to a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

Mutation = Callable[[bytes, random.Random], bytes | None]
"""Makes other content of a file's content, or None: the file is gone."""


def flip(content: bytes, dice: random.Random) -> bytes:
    """One bit is another one."""
    changed = bytearray(content)
    changed[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def digit(content: bytes, dice: random.Random) -> bytes:
    """One digit is another one; of a file without digits one bit."""
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit() and byte < 128]
    if not places:
        return flip(content, dice)
    changed, place = bytearray(content), dice.choice(places)
    changed[place] = dice.choice(sorted(set(b"0123456789") - {content[place]}))
    return bytes(changed)


def cut(content: bytes, dice: random.Random) -> bytes:
    """The end is missing: a few bytes, or any number of them."""
    most = min(len(content), dice.choice([2, 40, len(content)]))
    return content[: -dice.randint(1, most)]


def empty(content: bytes, dice: random.Random) -> bytes:
    """Nothing is left."""
    return b""


def pointer(content: bytes, dice: random.Random) -> bytes:
    """What a repository has in place of a large file."""
    return f"version https://example.org/spec/v1\nsize {len(content)}\n".encode()


def gone(content: bytes, dice: random.Random) -> None:
    """There is no such file."""


MUTATIONS: Mapping[str, Mutation] = {
    each.__name__: each for each in (flip, digit, cut, empty, pointer, gone)
}


def mutate(path: Path, how: str, seed: int) -> None:
    """Change the file by one of MUTATIONS; the same seed makes the same change."""
    content = path.read_bytes()
    changed = MUTATIONS[how](content, random.Random(f"{path.name} {how} {seed}"))
    assert changed != content
    if changed is None:
        path.unlink()
    else:
        path.write_bytes(changed)
