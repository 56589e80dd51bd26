"""Overrides as text: what Hydra would read without a word, remedies, and a value written as one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser import overrides_parser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import OverrideParseException
from hydra.grammar.gen.OverrideParserVisitor import OverrideParserVisitor

from nextchar.config.validation import ConfigError

grammar: Any = overrides_parser
"""Hydra's grammar of overrides, generated and without types."""


def check(overrides: Sequence[str]) -> None:
    """Raise ConfigError for an override without a key, and for a mapping with one key twice."""
    for override in overrides:
        name = re.split("[=@]", override.lstrip("+~"), maxsplit=1)[0]
        if not name.strip():
            raise ConfigError(f"{override}: no key before it; write key=value, as seed=1")
        if "{" in override:
            lexer = grammar.OverrideLexer(grammar.InputStream(override))
            parser = grammar.OverrideParser(grammar.CommonTokenStream(lexer))
            for each in (lexer, parser):
                each.removeErrorListeners()  # what can't be read is said by Hydra
            _NoKeyTwice(override).visit(parser.override())


class _NoKeyTwice(OverrideParserVisitor):
    def __init__(self, override: str) -> None:
        self._override = override

    def visitDictContainer(self, ctx: Any) -> Any:  # noqa: N802 - by the grammar's names
        keys = [pair.dictKey().getText() for pair in ctx.dictKeyValuePair() if pair.dictKey()]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ConfigError(f"{self._override}: {twice} stands twice in a mapping; keep one")
        return self.visitChildren(ctx)


def unreadable(error: OverrideParseException) -> str:
    """What to say, in one line, of an override that Hydra can't read."""
    override, reason = error.override, str(error).partition("\nSee ")[0]
    example = "'decoding.samplers=[greedy,{top_k: 5}]'"
    if any(override.count(one) != override.count(other) for one, other in ("[]", "{}", "()")):
        return f"{override}: a bracket is missing; quote the whole against the shell: {example}"
    if re.search(r"""[{,]\s*["']""", override):
        return f"{override}: the keys of a mapping stand without quotes: {example}"
    reason = reason.replace("\n", ": ")
    if "LexerNoViableAlt" in reason:
        reason = "has a character that needs quotes"
    name, _, value = override.partition("=")
    return f"{override}: {reason}; write it in quotes: '{name}=\"{value}\"'"


def written(value: Any) -> str:
    """A value as it stands in an override after its key."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(written, value)) + "]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z_][\w./-]*", value):
        return QuotedString(value, Quote.single).with_quotes().replace("${", r"\${")
    if isinstance(value, str) and value.lower() in ("null", "true", "false", "nan", "inf"):
        return f"'{value}'"
    return str(value)
