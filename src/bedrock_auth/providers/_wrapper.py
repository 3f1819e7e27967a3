"""What every provider that wraps another one says about itself: what the inner one says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedrock_auth.contracts import Stability, Traits


class Wrapper(ABC):
    """Answers the optional traits from ``_traits``, which the heir defines."""

    __slots__ = ()

    @property
    @abstractmethod
    def _traits(self) -> Traits:
        """The inner provider's."""

    @property
    def stability(self) -> Stability:
        """As the inner provider says."""
        return self._traits.stability

    @property
    def timeout(self) -> float:
        """As the inner provider says."""
        return self._traits.timeout

    @property
    def interactive(self) -> bool:
        """As the inner provider says."""
        return self._traits.interactive

    @property
    def region_name(self) -> str | None:
        """As the inner provider says."""
        return self._traits.region_name

    @property
    def revalidate_after(self) -> float | None:
        """As the inner provider says."""
        return self._traits.revalidate_after
