import pytest

from ui.render import as_html, visible


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://evil.example/p.png)",
        "[go](javascript:alert(1))",
        "[go](https://evil.example)",
        '<div style="position:fixed;inset:0">over</div>',
        '<form action="https://evil.example"><input></form>',
        "<iframe src=//evil.example></iframe>",
        '```x" onclick="alert(1)\ncode\n```',
    ],
)
def test_nothing_hostile_becomes_an_element_or_an_attribute(hostile: str):
    html = as_html(hostile)
    assert not any(f"<{tag}" in html for tag in ("script", "img", "a ", "div", "form", "input", "iframe"))
    tags = "".join(part.split(">")[0] for part in html.split("<")[1:])
    assert not any(word in tags for word in ("onclick", "onerror", "style", "href", "src"))


def test_markdown_is_shown_as_meant():
    html = as_html("# Title\n\n- **one**\n\n| a | b |\n| - | - |\n| 1 | 2 |")
    for part in ("<h1>Title</h1>", "<strong>one</strong>", "<td>1</td>"):
        assert part in html


def test_bidi_and_control_characters_are_made_visible():
    assert visible("a\u202eb\x00c") == "a[U+202E]b[U+0000]c"
    assert "[U+2066]" in as_html("x \u2066 y")


def test_joined_emoji_and_new_lines_stay():
    family = "\U0001f468\u200d\U0001f469"
    assert visible(f"{family}\n\tx\r\ny") == f"{family}\n\tx\ny"
