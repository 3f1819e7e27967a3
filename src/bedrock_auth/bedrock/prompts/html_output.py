"""What a model writes, as HTML. Pure.

Cross-site scripting is a matter of output: whatever a prompt says, a model can write ``<script>``, because a document told it
to or for no reason at all. So its answer, and titles and addresses of documents too, are escaped where they become HTML. A
template engine that escapes by itself does the same. A renderer of Markdown does not: switch raw HTML off in it, and images,
because an image's address can carry the conversation to somebody else's server. A Content Security Policy limits what slips
through.

Source: OWASP, "Cross Site Scripting Prevention Cheat Sheet" and "LLM05:2025 Improper Output Handling".
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from bedrock_auth.bedrock.prompts.invisible import without_invisible


def to_html(text: str) -> str:
    """The text for the content of an element or a quoted attribute: nothing in it is markup. Line feeds stay what they are.

    It is not for the inside of ``<script>``, ``<style>``, an event handler or an unquoted attribute.

    >>> to_html('<img src=x onerror="alert(1)">')
    '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;'
    """
    return escape(without_invisible(text), quote=True)


def link_to_html(text: str, url: str | None) -> str:
    """A link where the address is one of the web (``http`` or ``https``), else the text alone.

    >>> link_to_html("Handbook", "https://example.com/?a=1&b=2")
    '<a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer nofollow">Handbook</a>'
    >>> link_to_html("Handbook", "javascript:alert(1)")
    'Handbook'
    """
    if url is None or not _is_of_the_web(url):
        return to_html(text)
    return f'<a href="{to_html(url)}" rel="noopener noreferrer nofollow">{to_html(text)}</a>'


def _is_of_the_web(url: str) -> bool:
    if without_invisible(url) != url or any(character.isspace() for character in url):
        return False  # browsers skip some of these inside of an address
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
