"""What AWS takes in requests to a knowledge base, checked before they are sent. Pure.

Source: AWS's pages "Retrieve", "RetrieveAndGenerate" and "KnowledgeBaseVectorSearchConfiguration" in the Amazon Bedrock API
Reference.
"""

from __future__ import annotations

import re
from typing import Any

from bedrock_auth.errors import ConfigurationError

_ID = re.compile(r"[0-9a-zA-Z]{1,10}")
_ARN = re.compile(r"arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:knowledge-base/[0-9a-zA-Z]{10}")
_SESSION_ID = re.compile(r"[0-9a-zA-Z._:-]{2,100}")
LONGEST_QUERY = 20_000
"""Characters that Retrieve takes."""
LONGEST_QUESTION = 1000
"""Characters that RetrieveAndGenerate takes."""
_LONGEST_TEMPLATE = 4000
_MOST_RESULTS = 100
SEARCH_TYPES = {"hybrid": "HYBRID", "semantic": "SEMANTIC"}
"""AWS's names of the ways to search a vector store."""
MANAGED = "managed"
"""The way of a managed knowledge base."""


def checked_knowledge_base_id(value: Any) -> str:
    """The id or ARN of a knowledge base.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(value, str) and (_ID.fullmatch(value) or _ARN.fullmatch(value)):
        return value
    raise wrong("knowledge_base_id", f"knowledge_base_id has 10 letters and digits, or is an ARN, and {value!r} is neither")


def checked_text(text: Any, longest: int) -> str:
    """What is asked.

    Raises:
        ConfigurationError: it is no text, blank or longer than that.
    """
    if not isinstance(text, str):
        raise wrong("text", f"text is what is asked, a str, not {type(text).__name__}")
    if not text.strip():
        raise wrong("text", "text is blank; ask something")
    if len(text) > longest:
        raise wrong("text", f"text has {len(text)} characters, and AWS takes at most {longest} here; shorten it")
    return text


def checked_template(template: str) -> str:
    """A prompt template.

    Raises:
        ConfigurationError: it is too long.
    """
    if len(template) > _LONGEST_TEMPLATE:
        raise wrong(
            "prompt_template", f"prompt_template has {len(template)} characters, and AWS takes at most {_LONGEST_TEMPLATE}"
        )
    return template


def checked_count(setting: str, count: Any) -> int | None:
    """A number of results, if there is one.

    Raises:
        ConfigurationError: it is out of range.
    """
    if count is None or (isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _MOST_RESULTS):
        return count
    raise wrong(setting, f"{setting} is a whole number from 1 to {_MOST_RESULTS}, not {count!r}")


def checked_hits(count: Any) -> int:
    """A number of hits.

    Raises:
        ConfigurationError: it is not at least 1.
    """
    if isinstance(count, int) and not isinstance(count, bool) and count > 0:
        return count
    raise wrong("max_hits", f"max_hits is a whole number, at least 1, not {count!r}")


def checked_search(search: Any) -> str | None:
    """A way of searching, if there is one.

    Raises:
        ConfigurationError: there is no such way.
    """
    if search is None or search in (*SEARCH_TYPES, MANAGED):
        return search  # type: ignore[no-any-return]  # one of them
    raise wrong("search", f"search is 'hybrid', 'semantic' or 'managed', or None to let AWS choose, not {search!r}")


def checked_session(session_id: Any) -> str:
    """The id of a session.

    Raises:
        ConfigurationError: it is none.
    """
    if isinstance(session_id, str) and _SESSION_ID.fullmatch(session_id):
        return session_id
    raise wrong("session_id", "session_id is the one that an earlier answer came with; leave it out to begin a conversation")


def id_only(knowledge_base_id: str) -> str:
    """The id of a knowledge base that goes to RetrieveAndGenerate.

    Raises:
        ConfigurationError: it is an ARN.
    """
    if _ID.fullmatch(knowledge_base_id):
        return knowledge_base_id
    msg = f"RetrieveAndGenerate takes the id of a knowledge base, not its ARN; give knowledge_base_id={knowledge_base_id[-10:]!r}"
    raise wrong("knowledge_base_id", msg)


def wrong(setting: str, message: str) -> ConfigurationError:
    """The error of a setting."""
    return ConfigurationError(message, setting=setting)
