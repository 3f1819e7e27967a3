"""Hypothesis strategies for whatever botocore's own service model says that AWS sends."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Any

from botocore.session import Session
from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=3)


@cache
def service_model(name: str = "bedrock-runtime") -> Any:
    return Session().get_service_model(name)


def shape(name: str) -> Any:
    return service_model().shape_for(name)


def members(name: str) -> list[str]:
    """The members of a structure that the installed botocore knows; none where it does not know the structure."""
    return sorted(shape(name).members) if name in service_model().shape_names else []


def values(of: Any) -> st.SearchStrategy[Any]:
    """Any value of a shape, as boto3 gives it."""
    return _MAKERS.get(of.type_name, _scalar)(of)


def one_member(of: Any, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A structure or union with this one member."""
    return st.fixed_dictionaries({name: values(of.members[name])})


def _structure(of: Any) -> st.SearchStrategy[Any]:
    if of.is_document_type:
        return OBJECTS
    if of.is_tagged_union:
        return st.one_of([one_member(of, name) for name in of.members])
    fields = {name: values(member) for name, member in of.members.items()}
    required = {name: fields.pop(name) for name in of.required_members}
    return st.fixed_dictionaries(required, optional=fields)


def _list(of: Any) -> st.SearchStrategy[Any]:
    return st.lists(values(of.member), max_size=2)


def _map(of: Any) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.text(max_size=3), values(of.value), max_size=2)


def _scalar(of: Any) -> st.SearchStrategy[Any]:
    if getattr(of, "enum", None):
        return st.sampled_from(of.enum)
    return {
        "string": st.text(min_size=1, max_size=6),
        "blob": st.binary(min_size=1, max_size=6),
        "boolean": st.booleans(),
        "integer": st.integers(0, 2**31 - 1),
        "long": st.integers(0, 2**53),
        "float": st.floats(0, 1, width=32),
        "double": st.floats(0, 1),
        "timestamp": st.datetimes(timezones=st.just(UTC)),
    }[of.type_name]


_MAKERS = {"structure": _structure, "list": _list, "map": _map}
