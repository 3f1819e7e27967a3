"""What other people wrote, made fit for a model: of a known size, visible, and without a hold on AWS's templates. Pure.

None of this keeps a text from telling the model what to do; see `bedrock_auth.bedrock.prompt` for what it is good for.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from bedrock_auth.bedrock.prompts.invisible import first_invisible, with_line_feeds, with_shown_invisible, without_invisible
from bedrock_auth.errors import BedrockAuthError, ConfigurationError

TooLong: TypeAlias = Literal["refuse", "cut"]
Invisible: TypeAlias = Literal["remove", "show", "refuse"]

_DOLLAR = re.compile(r"\$(?=[^\W\d])")
_BRACE = re.compile(r"\{(?=\s*\{)")


class UntrustedInputError(BedrockAuthError, ValueError):
    """What a client sent is not accepted. A web application answers 400 with the code.

    The message says what is wrong and where; it never repeats the text.
    """

    code: str = ""
    """``NotText``, ``Empty``, ``TooLong``, ``InvisibleCharacters``, ``InvalidHistory`` or ``ForgedAnswer``."""


def _one_of(kind: Any) -> Any:
    def check(_rules: object, attribute: Any, value: object) -> None:
        if value not in get_args(kind):
            msg = f"{attribute.name} is one of {', '.join(get_args(kind))}, not {value!r}"
            raise ConfigurationError(msg, setting=attribute.name)

    return check


def limit(default: int, *, optional: bool = False) -> Any:
    """An attrs field: a whole number, at least 1; or ``None`` for no limit, where it is optional."""

    def check(_rules: object, attribute: Any, value: Any) -> None:
        if not (optional and value is None) and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ConfigurationError(f"{attribute.name} is a whole number, at least 1, not {value!r}", setting=attribute.name)

    return field(default=default, validator=check)


@frozen
class TextRules:
    """What becomes of a text of other people's.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    max_characters: int = limit(10_000)
    """The most characters, counted when invisible ones are gone."""
    too_long: TooLong = field(default="refuse", validator=_one_of(TooLong))
    """What is longer is refused, or cut with a line that says how much is missing."""
    invisible: Invisible = field(default="remove", validator=_one_of(Invisible))
    """Control characters, bidirectional overrides, zero-width and tag characters, variation selectors and the like are removed,
    shown as ``[U+202E]``, or refused. Line ends become line feeds; joiners stay where spelling needs them."""

    def apply(self, text: Any, name: str = "text") -> str:
        """The text as a model may see it.

        Args:
            text: what came.
            name: what the message of an error calls it.

        Raises:
            UntrustedInputError: it is no text, too long, or has characters that are refused.
        """
        if not isinstance(text, str):
            raise UntrustedInputError(f"{name} must be a text, not {type(text).__name__}", code="NotText")
        return self._fitting(self._visible(text, name), name)

    def _visible(self, text: str, name: str) -> str:
        if self.invisible == "remove":
            return without_invisible(text)
        if self.invisible == "show":
            return with_shown_invisible(text)
        if found := first_invisible(text):
            msg = f"{name} holds an invisible character, {found}; send it without"
            raise UntrustedInputError(msg, code="InvisibleCharacters")
        return with_line_feeds(text)

    def _fitting(self, text: str, name: str) -> str:
        left = len(text) - self.max_characters
        if left <= 0:
            return text
        if self.too_long == "refuse":
            msg = f"{name} has {len(text)} characters, and at most {self.max_characters} are accepted; shorten it"
            raise UntrustedInputError(msg, code="TooLong")
        return f"{text[: self.max_characters]}\n[{left} characters left out]"


def without_placeholders(text: str) -> str:
    """The text with nothing in it that AWS's prompt templates would fill in.

    That is ``$search_results$``, ``$query$``, ``$output_format_instructions$`` and every other name between dollar signs, and
    ``{{variable}}`` of Prompt management. A dollar sign before a name becomes ``&#36;``, a brace before a brace ``&#123;``.
    Apply `TextRules` first: an invisible character inside of a placeholder hides it from this function.
    Sources: AWS's pages "Placeholder variables in Amazon Bedrock agent prompt templates", "Query configurations" of knowledge
    bases, and "Create a prompt using Prompt management".

    >>> without_placeholders("It costs $5. $query$ {{secret}}")
    'It costs $5. &#36;query$ &#123;{secret}}'
    """
    return _BRACE.sub("&#123;", _DOLLAR.sub("&#36;", text))
