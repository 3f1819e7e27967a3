"""What AWS would refuse is refused before it is sent; what it may take is not."""

import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import Message
from bedrock_auth.bedrock.content import DocumentBlock, GuardBlock, ImageBlock, S3Location, ToolResultBlock
from bedrock_auth.bedrock.converse.limits import check_messages

PICTURE = ImageBlock("png", b"x")


def documents(count, name="D"):
    return [DocumentBlock(f"{name}{index}", "text") for index in range(count)]


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([Message("user", [PICTURE] * 21)], "holds 21 images, and AWS takes at most 20; send it as message.to_api"),
        ([Message("user", ["see", *documents(6)])], "holds 6 documents, and AWS takes at most 5"),
        ([Message("user", ["see", *documents(3, "A")]), Message("user", ["see", *documents(3, "B")])], "holds 6 documents"),
        ([Message("user", documents(1))], "a message with a document needs a text as well"),
        ([Message("user", ["see", DocumentBlock("report.pdf", "text")])], "a document's name has 1 to 200 letters"),
        ([Message("user", ["see", *documents(1)]), Message("user", ["see", *documents(1)])], "have the same name"),
        ([Message("user", ["see", *documents(1)]), Message("user", [ToolResultBlock("t", documents(1))])], "have the same name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_aws_refuses_is_refused_before_it_is_sent(messages, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        check_messages(messages)
    assert caught.value.setting in {"messages", "name"}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Message("user", "Hi")],
        [Message("user", [PICTURE] * 20), Message("user", [PICTURE] * 20)],
        [Message("user", [ImageBlock("png", S3Location("s3://bucket/key"))] * 21)],
        [Message("user", ["see", *documents(5)])],
        [Message("user", [GuardBlock("see"), *documents(1)])],
        [Message("user", [ToolResultBlock("t", documents(6))])],
    ],
)
def test_what_aws_may_take_is_sent(messages):
    check_messages(messages)
