"""The inspector and the report as a person meets them: in Chromium, by mouse, by keyboard, light and dark.

Pictures of both are kept in build/screenshots.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sa_auth.testing import Inspector, ManualClock, Server
from sa_auth.testing.report import write_report
from sa_auth.testing.timeline import timeline
from tests.unit.testing.kit import URN, Kit

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1400, 400)]
# The beginning of what is drawn, by how wide the window is.
WIDTHS = {1400: re.compile(r"^0 0 1\d{3} "), 400: re.compile(r"^0 0 3\d\d ")}
EVIL = '<script>document.title = "owned"</script><img src=x onerror="document.title=1">'
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium: make system")

# The ratio of contrast of each text on the page to what lies behind it (WCAG 2.2, 1.4.3), where it is too small.
FAINT = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parts = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const light = (colour) => {
    const [r, g, b] = [...parts(colour)].slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (parts(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !node.checkVisibility({ opacityProperty: true })) continue;
    const style = getComputedStyle(node), ink = node instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(ink), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`${node.tagName}.${node.getAttribute("class")} ${ink} ${node.textContent}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all of them."""
    with sync_playwright() as playwright:
        # The sandbox wants rights that a container has not.
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def kit() -> Kit:
    """An authority with a cast, whose tokens live for a minute."""
    made = Kit(ManualClock())
    made.authority.token_lifetime = 60
    return made


@pytest.fixture
def inspector(kit: Kit) -> Inspector:
    """Its inspector."""
    return Inspector(kit.authority, lead=20)


@pytest.fixture
def server(kit: Kit, inspector: Inspector) -> Iterator[Server]:
    """The authority with its inspector beside it."""
    with Server(kit.authority, routes=inspector.routes) as served:
        yield served


class Seen:
    """A page with what went wrong on it, which is asked for in the end."""

    def __init__(self, browser: Browser) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light")
        self.page.set_default_timeout(10_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        # What the browser itself reports on its console, and the test brings about.
        self.expected = "nothing of the kind"
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def turn(self, scheme: Any, width: int) -> None:
        """Makes it light or dark, and as wide as that."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 900})
        # Drawn anew for this width, which comes with the next frame.
        expect(self.page.locator("#timeline svg")).to_have_attribute("viewBox", WIDTHS[width])

    def picture(self, name: str) -> None:
        """Looks at it and keeps a picture."""
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert self.page.evaluate(FAINT) == [], name
        self.page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture
def seen(browser: Browser, server: Server) -> Iterator[Seen]:
    """A page, which is closed before its server; at its end nothing has gone wrong on it."""
    opened = Seen(browser)
    yield opened
    opened.page.close()
    assert [text for text in opened.wrong if opened.expected not in text] == []


def ask(kit: Kit, **changes: Any) -> str:
    """A token request of the robot; its token, or nothing."""
    grant = kit.grant(**{"scope": None, **changes})
    form = {"grant_type": f"{URN}:grant-type:jwt-bearer", "assertion": grant, "scope": "orders.read orders.write"}
    return str(kit.send(kit.post(**form)).get("access_token", ""))


def live(kit: Kit) -> None:
    """Some minutes of a robot's life: calls, renewals, an outage, and a few mistakes."""
    authority = kit.authority
    token = ask(kit)
    for second in range(190):
        kit.clock.advance(1)
        for _ in range(1 + second % 3):
            authority.handle(kit.call(token))
        if second in {42, 88, 131, 176}:
            token = ask(kit) or token
        if second == 125:
            authority.down(503)
        if second in {126, 128}:
            ask(kit)
        if second == 130:
            authority.up()
        if second == 150:
            ask(kit, aud="https://login.example/token")
            authority.api.refuse_next(2)
    ask(kit, iss="stranger")
    ask(kit, exp=kit.now - 100)


def open_page(seen: Seen, server: Server, inspector: Inspector) -> Page:
    """The page, as soon as it is live."""
    seen.page.goto(f"{server.url}{inspector.path}")
    expect(seen.page.locator("#state")).to_contain_text("Live")
    return seen.page


def test_a_refused_request_is_opened(seen: Seen, kit: Kit, server: Server, inspector: Inspector) -> None:
    """Whoever opens a refused request reads which rule it broke, why, and the sentence of the RFC with its section."""
    page = open_page(seen, server, inspector)
    expect(page.get_by_role("heading", name="No token request yet")).to_be_visible()
    expect(page.locator("#snippet")).to_contain_text(server.token_endpoint)
    ask(kit)
    ask(kit, aud="https://login.example/token")
    page.get_by_role("option", name="refused").or_(page.locator(".row", has_text="invalid_grant")).first.click()
    expect(page.get_by_role("heading", name="Request 2, refused: invalid_grant")).to_be_focused()
    why = page.locator("#why")
    expect(why).to_contain_text("aud_names_server: The aud is https://login.example/token; this server is")
    expect(why.locator("blockquote")).to_contain_text(
        "The authorization server MUST reject any JWT that does not contain its own identity as the intended audience."
    )
    expect(why.locator("cite")).to_have_text("RFC 7523 section 3, 3")
    page.get_by_text("Kept (").click()
    expect(page.locator("[data-rule=signature_valid]")).to_contain_text("RFC 7523 section 3, 9")
    expect(page.locator("#detail")).to_contain_text("It made this signature.")
    expect(page.locator("#detail")).to_contain_text("(RFC 7638, SHA-256)")
    assert all(url.startswith(f"{server.url}{inspector.path}") for url in seen.asked)


def test_it_goes_on_by_itself(seen: Seen, kit: Kit, server: Server, inspector: Inspector) -> None:
    """What comes in while the page is open appears at the top of the list, and is told to who cannot see it."""
    ask(kit)
    page = open_page(seen, server, inspector)
    expect(page.locator(".row")).to_have_count(1)
    ask(kit, iss="stranger")
    expect(page.locator(".row").first).to_contain_text("stranger")
    expect(page.locator("#said")).to_have_text("Request 2: ✕ invalid_grant")
    expect(page.locator("#timeline svg")).to_have_attribute("aria-label", "1 token over 2 s, used by 0 calls; 0 calls "
        "refused; 2 token requests, 1 of them refused and 0 answered by a fault.")  # fmt: skip


def test_by_keyboard_alone(seen: Seen, kit: Kit, server: Server, inspector: Inspector) -> None:
    """All can be done without a mouse: move, open, close, filter, copy, and see which keys there are."""
    for aud in ("https://one.example/", kit.authority.token_endpoint, "https://two.example/"):
        ask(kit, aud=aud)
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_page(seen, server, inspector)
    keys, heading = page.keyboard, page.locator("#detail h2")
    expect(page.locator(".row")).to_have_count(3)
    keys.press("j")
    keys.press("j")
    keys.press("ArrowDown")
    expect(page.locator(".row").nth(2)).to_be_focused()
    keys.press("k")
    keys.press("Enter")
    expect(heading).to_have_text("Request 2, accepted")
    keys.press("c")
    expect(page.locator("#said")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl ")
    assert "(signature)" in copied
    keys.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator(".row").nth(1)).to_be_focused()
    keys.press("/")
    keys.type("refused aud_names")
    expect(page.locator(".row:visible")).to_have_count(2)
    keys.press("Enter")
    keys.press("Enter")
    expect(heading).to_have_text("Request 3, refused: invalid_grant")
    keys.press("Escape")
    keys.press("Escape")
    expect(page.locator(".row:visible")).to_have_count(3)
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    keys.press("t")
    keys.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_script_in_a_request_stays_text(seen: Seen, kit: Kit, server: Server, inspector: Inspector) -> None:
    """Whatever an assertion, a form or a header holds is shown as it is, and nothing of it runs."""
    form = {"grant_type": f"{URN}:grant-type:jwt-bearer", "scope": EVIL, "x": EVIL}
    claims = {"iss": EVIL, "aud": EVIL, EVIL: EVIL}
    kit.authority.handle(
        kit.post(headers={"User-Agent": EVIL}, assertion=kit.jwt("robot", claims, {"x": EVIL}), **form)
    )
    page = open_page(seen, server, inspector)
    page.locator(".row").click()
    expect(page.locator("#detail")).to_contain_text(f"iss{EVIL}")
    expect(page.locator("#detail th", has_text="<script>")).to_have_count(1)
    assert page.locator("#detail script, #detail img, #list img").count() == 0
    assert page.title() == "sa_auth inspector"


def test_a_server_that_has_gone(seen: Seen, kit: Kit, server: Server, inspector: Inspector) -> None:
    """A page whose server ended says so, and keeps what it saw."""
    ask(kit)
    page = open_page(seen, server, inspector)
    expect(page.locator(".row")).to_have_count(1)
    seen.expected = "ERR_CONNECTION"
    server.close()
    expect(page.locator("#state")).to_contain_text("The server has gone; this is what was seen until")
    expect(page.locator(".row")).to_have_count(1)


def test_a_wrong_key(seen: Seen, server: Server) -> None:
    """An address with another key shows one sentence, with status 404."""
    seen.expected = "404"
    answer = seen.page.goto(f"{server.url}/inspect/another/")
    assert answer is not None
    assert answer.status == 404
    expect(seen.page.locator("body")).to_have_text(
        "This is not the inspector's address: it was printed when the server started."
    )


def test_how_it_looks(seen: Seen, kit: Kit, server: Server, inspector: Inspector) -> None:
    """Light and dark, wide and narrow: nothing sticks out, and each text stands out from what lies behind it."""
    live(kit)
    page = open_page(seen, server, inspector)
    for scheme, width in LOOKS:
        seen.turn(scheme, width)
        expect(page.locator(".row")).to_have_count(10)
        seen.picture(f"inspector-{scheme}-{width}-list")
        page.locator(".row", has_text="aud_names_server").click()
        expect(page.locator("#why")).to_be_visible()
        seen.picture(f"inspector-{scheme}-{width}")
        page.keyboard.press("Escape")


def test_the_report(seen: Seen, kit: Kit, tmp_path: Path) -> None:
    """The report opens from a file, draws itself, asks nobody for anything, and looks as the inspector does."""
    live(kit)
    file = tmp_path / "report.html"
    write_report(file, timeline(kit.authority, lead=20), "A robot's life", [["", "this run"], ["calls", "379"]])
    seen.page.goto(file.as_uri())
    expect(seen.page.locator("#sentence")).to_contain_text("5 tokens over 3.2 min, used by 377 calls; 2 calls refused;")
    for scheme, width in LOOKS:
        seen.turn(scheme, width)
        expect(seen.page.locator("#timeline .fault")).to_have_count(1)
        expect(seen.page.locator("#timeline .mark")).to_have_count(10)
        seen.picture(f"report-{scheme}-{width}")
    assert seen.asked == [file.as_uri()]
