"""Untrusted Markdown to safe HTML: a model may write anything, of any length."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ui.visible import visible

MOST = 12_000
"""Characters that are rendered at once. The worst that we know of this length takes 0.1 s."""
MOST_CELLS = 3_000
"""Rows times columns of a table; a short text can ask for many more."""
BLOCKS = ("p", "ul", "ol", "blockquote", "h3", "h4", "h5", "h6", "table", "th", "td")
"""What has a direction; a list's items have the list's, so that their marks stand on one side."""
TAGS = {*BLOCKS, *("li", "br", "hr", "em", "strong", "s", "code", "pre", "thead", "tbody", "tr")}
"""What Markdown can say. A link is its text and its address."""
ATTRIBUTES = {**{tag: {"dir"} for tag in BLOCKS}, "ol": {"start", "dir"}, "code": {"class"}}
"""The class is `language-` and a word, as CommonMark writes what a code block is in."""
DELIMITERS = "|:- \t"
"""All that stands in the line below a table's head (GitHub Flavored Markdown, 4.10)."""
CONTAINERS = ">*+"
"""What that line begins with in a quote or a list."""


def _parser(*more: str) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return made.enable(["strikethrough", *more]).disable(["image", "reference"])


MARKDOWN, WITHOUT_TABLES = _parser("table"), _parser()


@lru_cache(maxsize=512)
def as_html(markdown: str) -> str:
    """Markdown as HTML without links, images, styles or scripts; of a long text, the first `MOST` characters.

    What hides or moves text is made visible, what was written as an entity too. Blocks that begin in a script from right to
    left are marked so.
    """
    text = visible(markdown[:MOST]) + ("\n\n…" if len(markdown) > MOST else "")
    parser = WITHOUT_TABLES if _asks_for_many_cells(text) else MARKDOWN
    tokens = parser.parse(text)
    _lower_headings(tokens)
    _turn(tokens)
    for token in tokens:
        token.children = token.children and list(_with_addresses(token.children))
    html = parser.renderer.render(tokens, parser.options, {})
    return visible(nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, link_rel=None))


def _asks_for_many_cells(text: str) -> bool:
    lines = text.split("\n")
    columns = max((line.count("|") + 1 for line in lines if not line.strip(DELIMITERS + CONTAINERS)), default=0)
    return columns * len(lines) > MOST_CELLS


def _lower_headings(tokens: Sequence[Token]) -> None:
    """An answer stands below a heading of its own, the second level."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


def _with_addresses(tokens: Sequence[Token]) -> Iterator[Token]:
    """No links, but where they would lead."""
    addresses: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            written = (str(token.attrs[name]) for name in ("href", "title") if name in token.attrs)
            addresses.append("" if token.info == "auto" else " ".join(written))
        elif token.type != "link_close":
            yield token
        elif address := addresses.pop():
            yield Token("text", "", 0, content=" (")
            yield Token("code_inline", "code", 0, content=address)
            yield Token("text", "", 0, content=")")


def _turn(tokens: Sequence[Token]) -> None:
    """Mark every block that runs another way than what it stands in, by its first letter (HTML, `dir=auto`)."""
    around: list[tuple[Token, list[str]]] = []  # the open blocks, and the direction of each once it is known
    for token in tokens:
        if token.nesting and token.tag in BLOCKS:
            if token.nesting > 0:
                around.append((token, []))
            else:
                around.pop()
        elif token.type == "inline" and (direction := _direction(token)):
            outer = "ltr"
            for block, known in around:
                if not known:
                    known.append(direction)
                    if direction != outer:
                        block.attrSet("dir", direction)
                outer = known[0]


def _direction(inline: Token) -> str:
    """`rtl` or `ltr` by the first letter that has a direction, code apart (Unicode Bidirectional Algorithm, P2); else empty."""
    for token in inline.children or ():
        for character in token.content if token.type == "text" else "":
            kind = unicodedata.bidirectional(character)
            if kind in ("L", "R", "AL"):
                return "ltr" if kind == "L" else "rtl"
    return ""
