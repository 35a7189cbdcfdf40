"""The content policy: what a page of this app may load and run, and the marks that Gradio's pages need to obey it."""

import re

NOTHING = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""Of the empty text: Gradio makes a `<style>` and leaves it so."""
HIDDEN = "sha256-biLFinpqYMtWHmXfkA1BPeCY0/fNt46SAZ+BBk5YUog="
"""Of `display: none;`, the one style attribute that Gradio's navigation bar comes with."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
MANIFEST = re.compile(rb'<link rel="manifest"[^>]*>')
STYLED = re.compile(rb'(<(?:html|body|gradio-app)\b[^>]*?)\s+style="[^"]*"')
STYLE = b'<link rel="stylesheet" href="/page/style.css">'


def policy(nonce: str = "") -> str:
    """The header's value; scripts and styles that stand in the page run only with the nonce."""
    marked = f" 'nonce-{nonce}'" if nonce else ""
    return "; ".join((
        "default-src 'none'",
        f"script-src 'self'{marked}",
        f"style-src 'self'{marked}",
        f"style-src-elem 'self' '{NOTHING}'{marked}",
        f"style-src-attr 'unsafe-hashes' '{HIDDEN}'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ))  # fmt: skip


def marked(html: bytes, nonce: str, role: str, head: str) -> bytes:
    """Gradio's page with our scripts and style sheet, the nonce on what stands in it, no style attributes, no manifest.

    The style sheet comes last, so that it has the last word; `frame.css` says what the attributes said.
    """
    html = STYLED.sub(rb"\1", MANIFEST.sub(b"", html)).replace(b"<html", f'<html data-role="{role}"'.encode(), 1)
    html = re.sub(rb"<(script|style)\b", rb'<\1 nonce="' + nonce.encode() + b'"', html)
    html = html.replace(b"</head>", head.encode() + b"</head>", 1)
    before, body, after = html.rpartition(b"</body>")
    return before + STYLE + body + after
