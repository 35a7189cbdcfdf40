"""Whatever a model writes comes out as harmless HTML, in a time that it cannot stretch."""

import re
import unicodedata

import pytest

from tests.work import calls
from ui.render import ATTRIBUTES, MOST, TAGS, as_html
from ui.visible import visible


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://evil.example/p.png)",
        "[go](javascript:alert(1))",
        "[go](https://evil.example)",
        '[go](https://evil.example "<img src=x>")',
        "<https://evil.example/<script>>",
        "[a]: https://evil.example\n\n[a]",
        '<div style="position:fixed;inset:0">over</div>',
        '<form action="https://evil.example"><input></form>',
        "<iframe src=//evil.example></iframe>",
        "<svg><animate onbegin=alert(1)>",
        "<style>*{display:none}</style><link rel=stylesheet href=//evil.example>",
        "<base href=//evil.example><meta http-equiv=refresh content=0>",
        '```x" onclick="alert(1)\ncode\n```',
        '```"><img/src=x>\ncode\n```',
        "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x&#62;",
        "<math><mtext></p><style><!--</style><img title='--></style><img src=x onerror=alert(1)>'>",
        "| <img src=x> | b |\n| - | - |\n| `<a href=//evil.example>` | <b onclick=x> |",
    ],
)
def test_nothing_hostile_becomes_an_element_or_an_attribute(hostile: str):
    assert set(re.findall('class="([^"]*)"', as_html(hostile))) <= {
        "language-x&quot;",
        "language-&quot;&gt;&lt;img/src=x&gt;",
    }
    for tag in (part.split(">")[0] for part in as_html(hostile).split("<")[1:]):
        name, *attributes = tag.lstrip("/").split(" ", 1)
        assert name in TAGS
        assert not attributes or attributes[0].split("=")[0] in ATTRIBUTES[name]
        assert attributes[:1] == [] or attributes[0].count('"') == 2


def test_markdown_is_shown_as_meant():
    html = as_html("# Title\n\n- **one**\n  1. two\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n~~no~~ `x < y`\n\n> said")
    for part in (
        "<h3>Title</h3>",
        "<strong>one</strong>",
        "<td>1</td>",
        "<s>no</s>",
        "<code>x &lt; y</code>",
        "<blockquote>",
    ):
        assert part in html


def test_a_link_says_where_it_leads_and_an_image_what_it_is():
    html = as_html(
        '[our page](https://evil.example "Title") and <https://plain.example>, ![a cat](https://i.example/c.png)'
    )
    assert "our page (<code>https://evil.example Title</code>)" in html
    assert "plain.example" in html
    assert html.count("plain.example") == 1
    assert "https://i.example/c.png" in html


def test_code_names_its_language_and_is_word_for_word():
    html = as_html("```python\nif a < b:\n    *c*\n```\n\n    indented")
    assert '<pre><code class="language-python">if a &lt; b:\n    *c*\n</code></pre>' in html
    assert "<pre><code>indented" in html


@pytest.mark.parametrize(
    "written",
    ["x \u2066 y", "x &#x2066; y", "`x \u2066`", "# x\u2066", "```\u2066\nx\n```", "[x\u2066](https://a.example)"],
)
def test_characters_that_move_text_are_visible_wherever_and_however_they_are_written(written: str):
    html = as_html(written)
    assert "\u2066" not in html
    assert "[U+2066]" in html


def test_every_control_format_and_blank_character_is_visible():
    kept = {"\n", "\t", "\u200c", "\u200d"}
    for code in [*range(0x20000), *range(0xE0000, 0xE1000)]:
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in kept:
            assert visible(f"a{character}b") == f"a[U+{code:04X}]b"
    for blank in "\u3164\u2800\u115f\ufe01\U000e0101":
        assert f"[U+{ord(blank):04X}]" in visible(f"a{blank}b")


def test_bidi_and_control_characters_are_made_visible():
    assert visible("a\u202eb\x00c") == "a[U+202E]b[U+0000]c"
    assert visible("\x00" * 3000) == "[U+0000 ×3000]"


def test_joined_emoji_scripts_and_new_lines_stay():
    for text in ("\U0001f468\u200d\U0001f469\n\tx", "❤️‍🔥 👨‍👩‍👧‍👦 👩🏽‍🚀", "می‌خواهم", "क्‍ष", "é", "שָׁלוֹם"):
        assert visible(text) == text
    assert visible("x\r\ny") == "x\ny"


def test_joiners_and_marks_hide_nothing_where_no_script_uses_them():
    assert visible("a\u200d\u200db") == "a\u200d[U+200D]b"
    assert visible(" \u200cb") == " [U+200C]b"
    assert visible("\U0001f468\u200d" * 40).count("[U+200D]") == 40
    assert visible("a" + "\u0301" * 500) == "a" + "\u0301" * 5 + "[+495 marks]"


def test_blocks_from_right_to_left_are_marked():
    html = as_html("- `x` שלום 12\n- two\n\nplain\n\n> مرحبا\n\n| a | ש |\n| - | - |\n| 1 | 2 |")
    assert '<ul dir="rtl">\n<li><code>x</code> שלום 12</li>\n<li>two</li>' in html
    assert "<p>plain</p>" in html
    assert '<blockquote dir="rtl">' in html
    assert '<th>a</th>\n<th dir="rtl">ש</th>' in html


def test_what_was_cut_is_said():
    assert as_html("word " * 5000).endswith("<p>…</p>\n")
    assert "…" not in as_html("word " * 50)


SLOW = {
    "no space": "W",
    "quotes": ">",
    "spaced quotes": "> ",
    "list markers": "- ",
    "quotes and lists": "> - ",
    "backticks": "`",
    "runs of backticks": "".join("`" * n + " " for n in range(1, 150)),
    "brackets": "[",
    "links": "[a](",
    "images": "![",
    "emphasis": "*a**",
    "underscores": "_a__ ",
    "tildes": "~~a",
    "angles": "<a ",
    "entities": "&#x",
    "escapes": "\\",
    "rules": "---\n",
    "underlines": "a\n=",
    "fences": "```\n",
    "spaces": " ",
    "tabs": "\t",
    "new lines": "\n",
    "definitions": "[a]: b\n",
    "long table": "a|b\n-|-\n" + "a|b\n" * 3000,
    "wide table": "|a" * 4000 + "|\n" + "|-" * 4000 + "|\n" + "|\n" * 4000,
    "short wide table": "|a" * 50 + "|\n" + "|-" * 50 + "|\n" + "|\n" * 12000,
    "zalgo": "a" + "\u0301" * 12000,
    "joined emoji": "\U0001f468\u200d",
    "overrides": "\u202e\x00",
    "nested list": "".join(" " * (2 * n) + "- a\n" for n in range(400)),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_megabyte_of_anything_is_rendered_in_a_moment_and_comes_out_small(kind: str):
    text = (SLOW[kind] * (1_000_000 // len(SLOW[kind]) + 1))[:1_000_000]
    assert calls(lambda: as_html(text)) < 4_000_000, "about 0.3 s"
    assert len(as_html(text)) < 12 * MOST
