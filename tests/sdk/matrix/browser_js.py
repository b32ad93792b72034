"""The browser: @sentry/browser in Chromium, on a page of another origin than Vedette, with a policy whose violations the browser itself reports."""
import json
from pathlib import Path
from urllib.parse import urlsplit

import web
from browser import Browser
from cases import eventually
from matrix import pins
from matrix.sdk import ENVIRONMENT, ONCE_EACH, PROGRAMS, RELEASE, Sdk

FOLDER = PROGRAMS / "browser"


def sdks(installed):
    return [Sdk(
        name="browser", title=f"Browser @sentry/browser {pins.npm('browser', '@sentry/browser')}", platform="javascript", kind="browser", reports_as="sentry.javascript.browser",
        run=lambda scenario, dsn: visit(installed, scenario, dsn), functions=("checkOut", "charge"), file="shop.js", chain=("TypeError", "Error"), security=True,
        further=("the delivery man found nobody",), not_kept={"span": (None, None), "session": (None, None), "log_item": ONCE_EACH},
    )]


def visit(installed, scenario, dsn):
    """Opens the page and stays until it has told its story."""
    with Shop(installed / "browser", dsn) as shop, Browser(installed) as browser:
        browser.open(f"{shop.url}/index.html?{scenario}")

        def done():
            assert browser.driver.title == "done", f"the page did not come to its end: {browser.complaints()}"
        eventually(done, 30)
        if scenario == "story":
            hide(browser)
        # What the page could not send would stand here: refused preflights, answers without CORS headers.
        refused = [line for line in browser.complaints() if "CORS" in line or "ERR_FAILED" in line]
        assert not refused, refused


def hide(browser):
    """Tells the page that its tab is hidden, which is when the SDK reports what it did not send, and waits for the answer to that report."""
    answered = "return performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/envelope/')).length"
    before = browser.driver.execute_script(answered)
    browser.driver.execute_script("Object.defineProperty(document, 'visibilityState', { value: 'hidden' }); document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")

    def reported():
        assert browser.driver.execute_script(answered) > before, "the SDK reported nothing when the page was hidden"
    eventually(reported)


class Shop(web.Server):
    """The site: its files, its configuration and its policy."""

    def __init__(self, built, dsn):
        parts = urlsplit(dsn)
        host = parts.netloc.rsplit("@", 1)[1]
        # Where browsers send reports for this DSN.
        reports = f"{parts.scheme}://{host}/api{parts.path}/security/?sentry_key={parts.username}&sentry_release={RELEASE}&sentry_environment={ENVIRONMENT}"
        settings = json.dumps({"dsn": dsn, "release": RELEASE, "environment": ENVIRONMENT})
        files = {
            "/index.html": ("text/html", (FOLDER / "index.html").read_bytes()),
            "/config.js": ("text/javascript", f"window.SHOP = {settings};".encode()),
            "/shop.js": ("text/javascript", (Path(built) / "shop.js").read_bytes()),
        }

        class Handler(web.Handler):
            def do_GET(self):
                kind, body = files.get(urlsplit(self.path).path, (None, b""))
                policy = f"img-src 'self'; report-uri {reports}"
                self.answer(200 if kind else 404, {"Content-Type": kind or "text/plain", "Content-Security-Policy": policy}, body)

        super().__init__(Handler)
        # Another host name and another port than Vedette's: another origin.
        self.url = f"http://localhost:{self.port}"
