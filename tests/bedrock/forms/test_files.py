"""Images, documents, video and audio from bytes, files and S3: what they are, and whether AWS takes them."""

import struct
import zipfile
from io import BytesIO

import pytest
from hypothesis import given, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.content import AudioBlock, DocumentBlock, ImageBlock, S3Location, VideoBlock
from bedrock_auth.bedrock.converse.documents import check_name, name_of_file
from bedrock_auth.bedrock.forms import formats
from bedrock_auth.bedrock.forms.pixels import pixels
from support.names import plain
from support.shapes import members, shape


def png(width=1, height=1):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def gif(width=1, height=1):
    return b"GIF89a" + struct.pack("<HH", width, height)


def jpeg(width=1, height=1):
    app0 = b"\xff\xe0\x00\x10JFIF" + bytes(10)
    huffman = b"\xff\xc4\x00\x04\x00\x00"
    return b"\xff\xd8" + app0 + huffman + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(9)


def webp(width=1, height=1):
    return b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def webp_lossy(width=1, height=1):
    return b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", width, height)


def webp_lossless(width=1, height=1):
    return b"RIFF\0\0\0\0WEBPVP8L" + bytes(4) + b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)


def office(*names):
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name in names:
            archive.writestr(name, "<x/>")
    return file.getvalue()


PICTURES = [png, gif, jpeg, webp, webp_lossy, webp_lossless]
FILES = [
    (ImageBlock, "png", png()),
    (ImageBlock, "jpeg", jpeg()),
    (ImageBlock, "gif", gif()),
    (ImageBlock, "webp", webp()),
    (DocumentBlock, "pdf", b"%PDF-1.7"),
    (DocumentBlock, "docx", office("word/document.xml")),
    (DocumentBlock, "xlsx", office("xl/workbook.xml")),
    (VideoBlock, "mp4", b"\0\0\0\x18ftypisom"),
    (VideoBlock, "mov", b"\0\0\0\x14ftypqt  "),
    (VideoBlock, "three_gp", b"\0\0\0\x14ftyp3gp5"),
    (VideoBlock, "mkv", b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska"),
    (VideoBlock, "webm", b"\x1a\x45\xdf\xa3\x93\x42\x82\x88webm"),
    (VideoBlock, "flv", b"FLV\x01"),
    (VideoBlock, "mpeg", b"\0\0\x01\xba"),
    (VideoBlock, "wmv", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    (AudioBlock, "wav", b"RIFF\0\0\0\0WAVE"),
    (AudioBlock, "mp3", b"ID3\x04"),
    (AudioBlock, "mp3", b"\xff\xfb\x90"),
    (AudioBlock, "flac", b"fLaC"),
    (AudioBlock, "ogg", b"OggS"),
    (AudioBlock, "opus", b"OggS" + bytes(24) + b"OpusHead"),
    (AudioBlock, "aac", b"\xff\xf1"),
    (AudioBlock, "m4a", b"\0\0\0\x18ftypM4A "),
    (AudioBlock, "webm", b"\x1a\x45\xdf\xa3\x93\x42\x82\x88webm"),
]


def from_bytes(block, data, **more):
    name = {"name": "D"} if block is DocumentBlock else {}
    return block.from_bytes(data, **name, **more)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (formats.IMAGE, "ImageFormat"),
        (formats.DOCUMENT, "DocumentFormat"),
        (formats.VIDEO, "VideoFormat"),
        (formats.AUDIO, "AudioFormat"),
    ],
    ids=plain,
)
def test_the_formats_are_those_of_awss_model(kind, name):
    if kind.name not in members("ContentBlock"):
        pytest.skip("the installed botocore does not know this kind of block")
    assert set(shape(name).enum) <= set(kind.formats)


@pytest.mark.parametrize(("block", "name", "data"), FILES, ids=plain)
def test_a_format_is_told_from_the_content(block, name, data):
    assert from_bytes(block, data).format == name


@pytest.mark.parametrize(("block", "name", "data"), FILES, ids=plain)
def test_a_file_says_the_same_by_name_content_or_statement(tmp_path, block, name, data):
    path = tmp_path / f"file.{name.replace('three_gp', '3gp')}"
    path.write_bytes(data)
    made = block.from_file(path)
    assert (made.format, made.source) == (name, data)
    assert from_bytes(block, data, format=name) == from_bytes(block, data)
    assert block.from_s3(f"s3://bucket/file.{name}", format=name).source == S3Location(f"s3://bucket/file.{name}")


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.JPG", jpeg(), "jpeg"),
        ("a.jpe", jpeg(), "jpeg"),
        ("a", png(), "png"),
        ("a.bmp", png(), "png"),
    ],
)
def test_a_file_may_have_another_suffix_of_the_same_format_or_none(tmp_path, name, data, told):
    (tmp_path / name).write_bytes(data)
    assert ImageBlock.from_file(tmp_path / name).format == told
    assert ImageBlock.from_file(str(tmp_path / name)).format == told


@pytest.mark.parametrize(
    ("name", "told"), [("a.md", "md"), ("a.markdown", "md"), ("a.CSV", "csv"), ("a.htm", "html"), ("a.doc", "doc")]
)
def test_a_text_is_what_its_name_says(tmp_path, name, told):
    (tmp_path / name).write_bytes(b"ID3,FLV,%PDF-\n")
    assert DocumentBlock.from_file(tmp_path / name).format == told


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ImageBlock.from_bytes(png(), format="jpeg"), "said to be jpeg, but its content is png; state the right format"),
        (lambda: ImageBlock.from_bytes(b"hello"), "can be told neither from a name nor from its content; state its format"),
        (lambda: ImageBlock.from_bytes(b"hello", format="png"), "said to be png, but does not begin as such files do"),
        (lambda: ImageBlock.from_bytes(b"BM", format="bmp"), "cannot have the format 'bmp'; AWS takes png, jpeg, gif, webp"),
        (lambda: ImageBlock.from_bytes(b"%PDF-1.7"), "the image is in the format pdf; AWS takes png"),
        (
            lambda: DocumentBlock.from_bytes(office("ppt/presentation.xml"), name="D"),
            "the document is in the format zip; AWS takes pdf",
        ),
        (lambda: DocumentBlock.from_bytes(b"%PDF-1.7", name="D", format="txt"), "said to be txt, but its content is pdf"),
        (lambda: ImageBlock.from_s3("s3://bucket/picture"), "cannot be told from the name of the file in S3; state its format"),
    ],
)
def test_a_format_that_is_not_known_or_contradicted_is_refused(make, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        make()
    assert caught.value.setting == "format"


def test_a_name_that_contradicts_the_content_is_refused(tmp_path):
    (tmp_path / "photo.png").write_bytes(jpeg())
    with pytest.raises(ConfigurationError, match="said to be png, but its content is jpeg") as caught:
        ImageBlock.from_file(tmp_path / "photo.png")
    assert caught.value.setting == "format"
    assert ImageBlock.from_file(tmp_path / "photo.png", format="jpg").format == "jpeg"


@pytest.mark.parametrize(
    ("block", "megabytes", "data"),
    [(ImageBlock, 3.75, png()), (DocumentBlock, 4.5, b"%PDF-1.7"), (VideoBlock, 18.75, b"FLV\x01"), (AudioBlock, None, b"fLaC")],
)
def test_what_is_too_large_is_refused_unless_the_caller_knows_better(tmp_path, block, megabytes, data):
    limit = 1024 * 1024 if megabytes is None else int(megabytes * 1024 * 1024)
    exact, path = data.ljust(limit, b"\0"), tmp_path / "file"
    assert from_bytes(block, exact).source == exact
    path.write_bytes(exact + b"\0")
    if megabytes is None:
        assert len(block.from_file(path).source) == limit + 1
        return
    for make in (lambda **more: from_bytes(block, exact + b"\0", **more), lambda **more: block.from_file(path, **more)):
        with pytest.raises(ConfigurationError, match=f"AWS takes at most {megabytes} MB.*check_limits=False") as caught:
            make()
        assert caught.value.setting == "source"
        assert len(make(check_limits=False).source) == limit + 1


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ConfigurationError, match="the document is empty"):
        DocumentBlock.from_file(tmp_path / "a.txt")


@pytest.mark.parametrize("picture", PICTURES)
@given(width=st.integers(1, 16383), height=st.integers(1, 16383))
def test_the_size_of_a_picture_is_read(picture, width, height):
    assert pixels(picture(width, height)) == (width, height)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_with_too_many_pixels_is_refused(tmp_path, picture):
    (tmp_path / "picture").write_bytes(picture(8001, 1))
    with pytest.raises(ConfigurationError, match="8001 x 1 pixels"):
        ImageBlock.from_file(tmp_path / "picture")
    assert ImageBlock.from_bytes(picture(8000, 8000)).source == picture(8000, 8000)
    with pytest.raises(ConfigurationError, match="1 x 8001 pixels, and AWS takes at most 8000 each way") as caught:
        ImageBlock.from_bytes(picture(1, 8001))
    assert caught.value.setting == "source"
    assert ImageBlock.from_bytes(picture(1, 8001), check_limits=False).source == picture(1, 8001)


@given(st.sampled_from([picture() for picture in PICTURES]), st.integers(0, 60), st.binary(max_size=40))
def test_a_damaged_picture_is_left_to_aws(picture, length, more):
    found = pixels(picture[:length] + more)
    assert found is None or len(found) == 2


@pytest.mark.parametrize("uri", ["https://bucket/key.png", "s3://B/key.png", "s3://a", "bucket/key.png"])
def test_an_address_that_is_none_of_s3s_is_refused(uri):
    with pytest.raises(ConfigurationError, match="such as s3://bucket/key") as caught:
        ImageBlock.from_s3(uri, format="png")
    assert caught.value.setting == "uri"


def test_a_file_in_s3_is_named_and_told_by_its_key():
    made = DocumentBlock.from_s3("s3://bucket/reports/Year 2026.pdf", bucket_owner="123456789012", citations=True)
    place = S3Location("s3://bucket/reports/Year 2026.pdf", "123456789012")
    assert made == DocumentBlock("Year 2026", place, "pdf", citations=True)


def test_a_missing_file_is_an_error_of_the_operating_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        ImageBlock.from_file(tmp_path / "nothing.png")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/tmp/report_2026 (final) [2].pdf", "report_2026 (final) [2]"),
        ("a.b.pdf", "a-b"),
        ("John's  report.pdf", "John-s report"),
        ("résumé.pdf", "r-sum"),
        ("報告.pdf", "document"),
        (".pdf", "pdf"),
        (f"{'x' * 300}.pdf", "x" * 200),
    ],
)
def test_a_document_is_named_after_its_file(path, name):
    assert name_of_file(path) == name


@given(st.text(min_size=1))
def test_any_files_name_gives_one_that_aws_takes(path):
    name = name_of_file(f"/tmp/{path}")
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "a.pdf", "a  b", "a\tb", "résumé", "a/b", "x" * 201, "a\n"])
def test_a_name_that_aws_does_not_take_is_refused(tmp_path, name):
    for make in (DocumentBlock.from_bytes, lambda data, name: DocumentBlock.from_s3("s3://bucket/a.txt", name=name)):
        with pytest.raises(ConfigurationError, match="a document's name has") as caught:
            make(b"%PDF-1.7", name=name)
        assert caught.value.setting == "name"


@pytest.mark.parametrize("begins", [b"ID3\x03", b"OggS", b"fLaC", b"GIF89a", b"FLV\x01"])
@pytest.mark.parametrize("kind", ["txt", "csv", "md", "html"])
def test_a_text_may_begin_with_letters_that_begin_a_file_of_another_kind(begins, kind):
    assert DocumentBlock.from_bytes(begins + b", and so on", name="D", format=kind).format == kind


def test_a_picture_is_no_text():
    with pytest.raises(ConfigurationError, match="the document is in the format png"):
        DocumentBlock.from_bytes(png(), name="D", format="txt")


@pytest.mark.parametrize("other", ["docs/word/x", "docs/word/document.xml", "word/notes.txt", "customXml/word/document.xml"])
def test_a_workbook_is_one_whatever_else_is_in_it(other):
    assert DocumentBlock.from_bytes(office(other, "xl/workbook.xml"), name="D").format == "xlsx"
    assert DocumentBlock.from_bytes(office("xl/workbook.xml", other), name="D").format == "xlsx"


def test_a_document_is_one_whatever_else_is_in_it():
    assert DocumentBlock.from_bytes(office("docs/xl/workbook.xml", "word/document.xml"), name="D").format == "docx"
