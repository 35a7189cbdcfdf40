"""Characters that hide, or that move what stands beside them, made visible: a model, or a prompt, may hold anything."""

import re
import unicodedata
from collections.abc import Callable

MOST_MARKS = 5
"""Combining marks on one letter that are shown; no script needs more."""
MOST_JOINED = 8
"""Characters that zero-width joiners make one of; a family with skin tones has four."""
IGNORABLE = (
    *("\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164", "\uffa0"),
    *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))),
)
"""Letters and marks by their category, and blank all the same (Unicode's Default_Ignorable_Code_Point, and Braille's blank)."""
JOINERS = "\u200c\u200d"
STYLES = "\ufe0e\ufe0f"
"""What makes a picture or a letter of the character before; with the joiners, part of emoji and of several scripts."""
PLANES = (range(0x20000), range(0xE0000, 0xE1000))
"""Where Unicode has such characters, as of version 16."""


def _class(wanted: Callable[[str], bool]) -> str:
    """The inside of a regular expression's `[...]`."""
    return "".join(re.escape(chr(code)) for plane in PLANES for code in plane if wanted(chr(code)))


def _hides(character: str) -> bool:
    category = unicodedata.category(character)
    return character not in "\n\t" + JOINERS + STYLES and (
        category in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in IGNORABLE
    )


HIDDEN = _class(_hides)
MARKS = _class(lambda c: unicodedata.category(c) in ("Mn", "Me") and not _hides(c) and c not in STYLES)
SUSPECT = re.compile(f"[{HIDDEN}{MARKS}{JOINERS}{STYLES}]")
"""What most texts have none of, which is found much faster, and among the few characters that a text is made of at once."""
WANTED = re.compile(
    rf"(?P<joined>(?:[^\s\u200d]{{1,4}}\u200d){{{MOST_JOINED},}})"
    rf"|(?P<marks>(?<=[{MARKS}]{{{MOST_MARKS}}})[{MARKS}]+)"
    rf"|(?P<hidden>[{HIDDEN}])(?P=hidden)*"
    rf"|(?P<stray>(?:(?<![^\s])[{JOINERS}{STYLES}]|(?<=[{JOINERS}])[{JOINERS}{STYLES}]|(?<=[{STYLES}])[\u200c{STYLES}])+)"
)


def visible(text: str) -> str:
    """Control and formatting characters as `[U+XXXX]`, so that none can reorder or hide what stands beside it.

    Joiners and styles stay where scripts and emoji use them; a heap of combining marks is cut, and counted.
    """
    text = text.replace("\r\n", "\n")
    return WANTED.sub(_shown, text) if SUSPECT.search("".join(set(text))) else text


def _shown(found: re.Match[str]) -> str:
    text = found[0]
    if found["joined"]:
        return text.replace("\u200d", _name("\u200d"))
    if found["marks"]:
        return f"[+{len(text)} marks]"
    if found["hidden"]:
        return _name(text[0], len(text))
    return "".join(_name(c) for c in text)


def _name(character: str, times: int = 1) -> str:
    return f"[U+{ord(character):04X}{f' ×{times}' if times > 1 else ''}]"
