"""The pages, in Gradio. They are frames; `static/*.js` fills them from the routes."""

import gradio as gr

HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="/page/api.js"></script>
<script src="/page/language.js"></script>
<script src="/page/words.js"></script>
<script src="/page/charts.js"></script>
<script src="/page/reading.js"></script>
<script src="/page/label/page.js" type="module"></script>
<script src="/page/rounds/page.js" type="module"></script>
<script src="/page/soup/page.js" type="module"></script>
<script src="/page/intent/page.js" type="module"></script>
<script src="/page/flags.js" defer></script>
<script src="/page/team.js" defer></script>
<script src="/page/chat/page.js" type="module"></script>
<script src="/page/help.js" defer></script>
<script src="/page/users.js" defer></script>
"""
FONTS = ("ui-sans-serif", "system-ui", "sans-serif")


def theme() -> gr.themes.Base:
    """Calm colours and the system's own typeface: nothing is fetched from elsewhere."""
    return gr.themes.Base(
        primary_hue="indigo", neutral_hue="slate", font=list(FONTS), font_mono=["ui-monospace", "monospace"]
    )


def frame(name: str) -> None:
    """An empty place that a script fills. Not `gr.HTML`: it evaluates text as script, which the content policy forbids."""
    gr.Column(elem_id=name, elem_classes=["fl-page"])


def build_pages(title: str, *, users: bool = False) -> gr.Blocks:
    """Label, Rounds, Soup, Intent, Team, Chat and Help; and Users, where people have accounts."""
    with gr.Blocks(title=title, analytics_enabled=False) as pages:
        gr.Navbar(main_page_name="Label")
        frame("fl-label")
    with pages.route("Rounds", "/rounds"):
        gr.Navbar(main_page_name="Label")
        frame("fl-rounds")
    with pages.route("Soup", "/soup"):
        gr.Navbar(main_page_name="Label")
        frame("fl-soup")
    with pages.route("Intent", "/intent"):
        gr.Navbar(main_page_name="Label")
        frame("fl-intent")
    with pages.route("Team", "/team"):
        gr.Navbar(main_page_name="Label")
        frame("fl-team")
    with pages.route("Chat", "/chat"):
        gr.Navbar(main_page_name="Label")
        frame("fl-chat")
    if users:
        with pages.route("Users", "/users"):
            gr.Navbar(main_page_name="Label")
            frame("fl-users")
    with pages.route("Help", "/help"):
        gr.Navbar(main_page_name="Label")
        frame("fl-help")
    return pages
