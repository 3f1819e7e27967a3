"""A model's answer as HTML, as a parser of HTML sees it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.bedrock.prompts.html_output import link_to_html, to_html
from bedrock_auth.bedrock.prompts.invisible import without_invisible

PIECES = [
    "<script>",
    "</p>",
    "<img src=x onerror=alert(1)>",
    '"',
    "'",
    "&",
    "&lt;",
    "<!--",
    "]]>",
    "javascript:",
    "http://a",
    " ",
    "`",
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join)


class Seen(HTMLParser):
    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.tags.append(("comment", {}))


@settings(deadline=None)
@given(hostile)
def test_nothing_in_a_text_is_markup(text):
    seen = Seen(f"<p>{to_html(text)}</p>")
    assert [tag for tag, _ in seen.tags] == ["p"]
    assert seen.text == without_invisible(text)


@settings(deadline=None)
@given(hostile)
def test_a_text_stays_inside_of_a_quoted_attribute(text):
    for quote in "\"'":
        seen = Seen(f"<p title={quote}{to_html(text)}{quote}>")
        assert seen.tags == [("p", {"title": without_invisible(text)})]


@pytest.mark.parametrize("url", ["https://example.com/a?b=1&c=%22#d", "http://example.com"])
def test_addresses_of_the_web_become_links(url):
    assert Seen(link_to_html("<b>", url)).tags == [("a", {"href": url, "rel": "noopener noreferrer nofollow"})]


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " https://a.b",
        "data:text/html,<script>", "\x01javascript:alert(1)", "vbscript:x", "s3://bucket/key", "//evil.example", "/path",
        "https:", "https://[", "ht\u200btp://a", "http://a\u202e.b",
    ],
)  # fmt: skip
def test_other_addresses_do_not(url):
    assert link_to_html("<b>", url) == "&lt;b&gt;"


@settings(deadline=None)
@given(hostile, hostile)
def test_a_link_is_at_most_one_element_with_two_attributes(text, url):
    seen = Seen(link_to_html(text, url))
    assert seen.tags in ([], [("a", {"href": url, "rel": "noopener noreferrer nofollow"})])
    assert seen.text == without_invisible(text)
