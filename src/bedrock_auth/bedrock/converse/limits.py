"""What AWS takes in one request, checked before it is sent. Pure.

Only `Message` values are judged; dicts in boto3's form go out as they are. Sources: AWS's pages "Message" in the Amazon Bedrock
API Reference and "API restrictions" in the User Guide.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bedrock_auth.bedrock.converse.blocks import GuardBlock, TextBlock
from bedrock_auth.bedrock.converse.documents import DocumentBlock, check_name
from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.converse.tool_blocks import ToolResultBlock
from bedrock_auth.bedrock.forms.files import S3Location
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bedrock_auth.bedrock.content import Message

_MAX_IMAGES = 20
_MAX_DOCUMENTS = 5


def check_messages(messages: Sequence[Message]) -> None:
    """See that AWS takes these messages in one request.

    Raises:
        ConfigurationError: too many images or documents, a document without a text beside it, or a name of a document that AWS
            does not take.
    """
    for message in messages:
        _check_images(message)
        _check_text(message)
    _check_documents(messages)


def _check_images(message: Message) -> None:
    images = [block for block in message.content if isinstance(block, ImageBlock) and not isinstance(block.source, S3Location)]
    if len(images) > _MAX_IMAGES:
        raise _wrong(
            f"a message holds {len(images)} images, and AWS takes at most {_MAX_IMAGES}; "
            "send it as message.to_api() where your model takes more"
        )


def _check_text(message: Message) -> None:
    has_document = any(isinstance(block, DocumentBlock) for block in message.content)
    if has_document and not any(isinstance(block, TextBlock | GuardBlock) for block in message.content):
        raise _wrong("a message with a document needs a text as well; say what to do with the document")


def _check_documents(messages: Sequence[Message]) -> None:
    own = [block for message in messages for block in message.content if isinstance(block, DocumentBlock)]
    if len(own) > _MAX_DOCUMENTS:
        raise _wrong(
            f"the conversation holds {len(own)} documents, and AWS takes at most {_MAX_DOCUMENTS} in one request; leave some out"
        )
    names = Counter(check_name(document.name) for document in [*own, *_in_results(messages)])
    if any(count > 1 for count in names.values()):
        raise _wrong("two documents of the conversation have the same name, which AWS refuses; give each one its own name=")


def _in_results(messages: Sequence[Message]) -> Iterator[DocumentBlock]:
    results = (block for message in messages for block in message.content if isinstance(block, ToolResultBlock))
    return (part for result in results for part in result.content if isinstance(part, DocumentBlock))


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, setting="messages")
