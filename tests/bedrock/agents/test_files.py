"""Files that agents get to read."""

import base64

import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.agent import BedrockAgent
from bedrock_auth.bedrock.agents.files import InputFile, files_to_api
from bedrock_auth.bedrock.forms.formats import MEGABYTE

PDF = b"%PDF-1.7"


def test_files_arrive_as_aws_takes_them(bedrock, session, tmp_path):
    (tmp_path / "sales.csv").write_bytes(b"a,b\n1,2\n")
    agent = BedrockAgent(session, agent_id="A1", agent_alias_id="B1")
    files = [
        tmp_path / "sales.csv",
        InputFile.from_bytes(PDF, name="report.pdf", use_case="CHAT"),
        InputFile.from_s3("s3://bucket/data/big.xlsx"),
        {"name": "x", "source": {"sourceType": "S3", "s3Location": {"uri": "s3://bucket/x"}}, "useCase": "CHAT"},
    ]
    agent.invoke("Sum it up", files=files).response  # noqa: B018 - reads the stream
    csv, pdf, xlsx, own = bedrock.requests[0].body["sessionState"]["files"]
    assert csv == {
        "name": "sales.csv",
        "useCase": "CODE_INTERPRETER",
        "source": {
            "sourceType": "BYTE_CONTENT",
            "byteContent": {"mediaType": "text/csv", "data": base64.b64encode(b"a,b\n1,2\n").decode()},
        },
    }
    assert (pdf["useCase"], pdf["source"]["byteContent"]["mediaType"]) == ("CHAT", "application/pdf")
    assert xlsx == {
        "name": "big.xlsx",
        "useCase": "CODE_INTERPRETER",
        "source": {"sourceType": "S3", "s3Location": {"uri": "s3://bucket/data/big.xlsx"}},
    }
    assert own == files[-1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: InputFile.from_bytes(b"", name="a.csv"), "the file is empty"),
        (lambda: InputFile.from_bytes(b"x" * (10 * MEGABYTE + 1), name="a.csv"), "AWS takes at most 10 MB"),
        (lambda: InputFile.from_bytes(b"x", name="a.exe"), "the format of the file can be told neither"),
        (lambda: InputFile.from_bytes(PDF, name="a.csv"), "the file is said to be csv, but its content is pdf"),
        (lambda: InputFile.from_bytes(b"\x89PNG\r\n\x1a\n", name="a.txt"), "the file is in the format png"),
        (lambda: InputFile.from_bytes(PDF, name="a.pdf", use_case="LAUGH"), "use_case is CODE_INTERPRETER"),
        (lambda: InputFile.from_s3("s3://bucket/a.exe"), "the format of the file cannot be told"),
        (lambda: InputFile.from_s3("https://bucket/a.csv"), "such as s3://bucket/key"),
        (lambda: files_to_api([InputFile("a.csv", b"x", "text/csv")] * 6), "there are 6 files, and AWS takes at most 5"),
        (
            lambda: files_to_api([InputFile.from_bytes(b"x" * (6 * MEGABYTE), name="a.txt")] * 2),
            "the files have 12.0 MB together, and AWS takes at most 10 MB",
        ),
    ],
)
def test_what_aws_would_refuse_after_the_upload_is_refused_before(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_content_is_not_shown():
    assert "secret" not in repr(InputFile.from_bytes(b"secret", name="a.txt"))


def test_a_path_as_text_and_another_name_and_a_larger_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"x" * (10 * MEGABYTE + 1))
    with pytest.raises(ConfigurationError, match="AWS takes at most 10 MB"):
        InputFile.from_file(str(path))
    file = InputFile.from_file(str(path), name="other.md", check_limits=False)
    assert (file.name, file.media_type, len(file.source)) == ("other.md", "text/markdown", 10 * MEGABYTE + 1)
    with pytest.raises(OSError, match="No such file"):
        files_to_api(str(tmp_path / "none.csv"))
