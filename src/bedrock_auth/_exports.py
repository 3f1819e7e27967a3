"""Public names that are imported when they are first used (PEP 562), so that a package costs next to nothing until then.

It imports nothing itself: ``import bedrock_auth`` pays for it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would double the cost of `import bedrock_auth`; type checkers take the name as true

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def exports(
    namespace: dict[str, Any], homes: Mapping[str, str]
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """``__all__``, ``__getattr__`` and ``__dir__`` of a package.

    Args:
        namespace: the package's ``globals()``.
        homes: module below the package to the public names that are in it, with spaces between.
    """
    package = namespace["__name__"]
    home = {name: module for module, names in homes.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in home:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from importlib import import_module  # noqa: PLC0415 - only whoever uses a name pays for it

        value = namespace[name] = getattr(import_module(f"{package}.{home[name]}"), name)
        return value

    return sorted(home), get, lambda: sorted({*namespace, *home})
