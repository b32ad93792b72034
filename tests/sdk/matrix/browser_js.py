"""The browser: @sentry/browser in Chromium, on a page of another origin than Vedette, with a policy whose violations the browser itself reports."""
import http.server
import json
import threading
from pathlib import Path
from urllib.parse import urlsplit

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


class Shop:
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

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, body = files.get(urlsplit(self.path).path, (None, b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", f"img-src 'self'; report-uri {reports}")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another host name and another port than Vedette's: another origin.
        self.url = f"http://localhost:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
