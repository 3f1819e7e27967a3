"""Sphinx settings. Nothing is fetched over the network, and every warning is an error (``nox -s docs``)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from sphinx.ext.napoleon import Config as SectionsConfig, GoogleDocstring

from bedrock_auth import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "bedrock_auth"
author = "The bedrock_auth authors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"bedrock_auth {__version__}"

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"


def read_sections(  # noqa: PLR0913, PLR0917 - what autodoc passes
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Make fields of "Args" and "Raises". Attributes are left alone: a colon in their text follows no type."""
    if what not in {"attribute", "data", "property"}:
        lines[:] = GoogleDocstring(lines, SectionsConfig(), app, what, name, obj, options).lines()


def show_signature(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: Any, signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """Show no arguments for what nobody constructs, Protocols and enumerations, and no attrs constant as a default."""
    if what == "class" and (getattr(obj, "_is_protocol", False) or issubclass(obj, Enum)):
        return "", returns
    return None if signature is None else (signature.replace("=NOTHING", "=…"), returns)


def setup(app: Sphinx) -> None:
    """Connect the two."""
    app.connect("autodoc-process-docstring", read_sections)
    app.connect("autodoc-process-signature", show_signature)
