"""Untrusted text to safe HTML: a model may write anything."""

import unicodedata

import nh3
from markdown_it import MarkdownIt

TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
"""What Markdown can say; links and images are shown as their text."""
MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")
KEPT = {"\u200c", "\u200d", "\ufe0f"}
"""Invisible, but part of emoji and of several scripts."""


def as_html(markdown: str) -> str:
    """Markdown as HTML without links, images, styles or scripts; control and bidi characters are made visible."""
    return nh3.clean(MARKDOWN.render(visible(markdown)), tags=TAGS, attributes={"ol": {"start"}}, link_rel=None)


def visible(text: str) -> str:
    """Control and formatting characters as `U+XXXX`, so that none can reorder or hide what stands beside it."""
    return "".join(_mark(c) for c in text.replace("\r\n", "\n"))


def _mark(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf") and character not in "\n\t" and character not in KEPT
    return f"[U+{ord(character):04X}]" if hidden else character
