"""The crash report dialog on a page of another site: what a person there sees and sends, and where it is read."""
import html
import secrets
from urllib.parse import urlencode, urlsplit

import hostile
import web
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WRAPPER = ".sentry-error-embed-wrapper"


class Site(web.Server):
    """Somebody's shop, on an origin of its own. `/strict` allows no inline style and no script but its own and the dialog's."""

    def __init__(self, server):
        self.server, self.script = server, ""
        site = self

        class Handler(web.Handler):
            def do_GET(self):
                if self.path == "/listen.js":
                    kind, body = "text/javascript", "addEventListener('message', (event) => { document.title = String(event.data); });"
                else:
                    kind, body = "text/html; charset=utf-8", site.page()
                fields = {"Content-Type": kind}
                if self.path == "/strict":
                    body = body.replace("<style>", "<!--").replace("</style>", "-->")
                    fields["Content-Security-Policy"] = f"default-src 'none'; script-src 'self' {site.server}; connect-src {site.server}"
                self.answer(200, fields, body.encode())

        super().__init__(Handler)
        self.url = f"http://127.0.0.1:{self.port}"

    def page(self):
        heard = "<script src='/listen.js'></script>"
        style = "<style>input,button{display:none} p{color:red;text-transform:uppercase}</style>"
        return f"<!doctype html><title>Shop</title>{style}{heard}<h1>Sorry</h1><button id=own>Go on</button><script src=\"{html.escape(self.script)}\" async crossorigin=\"anonymous\"></script>"


def address(dsn, event, **texts):
    """As SDKs build it: the DSN as it is, everything else encoded."""
    parts = urlsplit(dsn)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}/api/embed/error-page/?dsn={dsn}&eventId={event}" + ("&" + urlencode(texts) if texts else "")


def wait(browser, condition, what):
    WebDriverWait(browser.driver, 10).until(lambda _: condition(), what)


def shown(browser, css):
    return [element for element in browser.all(f"{WRAPPER} {css}") if element.is_displayed()]


def fill(browser, **fields):
    for name, text in fields.items():
        field = browser.one(f"{WRAPPER} [name={name}]")
        field.clear()
        field.send_keys(text)


def report(browser, site, vedette, dsn, event, path="/"):
    """A person meets the dialog, makes mistakes, corrects them, and sends."""
    site.script = address(dsn, event, name="Zoë", title="Da ging etwas schief", lang="de")
    browser.open(site.url + path)
    wait(browser, lambda: shown(browser, "form"), "no dialog")
    assert browser.text(f"{WRAPPER} h2") == "Da ging etwas schief"
    assert browser.one(f"{WRAPPER} [name=name]").get_attribute("value") == "Zoë"
    browser.screenshot(f"dialog{path.replace('/', '-').rstrip('-')}")
    fill(browser, email="nobody")
    shown(browser, "button[type=submit]")[0].click()
    wait(browser, lambda: len(shown(browser, "[aria-invalid=true]")) == 2, "the wrong fields are not marked")
    marked = sorted(field.get_attribute("name") for field in shown(browser, "[aria-invalid=true]"))
    assert marked == ["comments", "email"], marked
    assert "Some fields were invalid" in browser.text(WRAPPER), browser.text(WRAPPER)
    fill(browser, email="zoe@example.test", comments="I pressed Pay\nand <script>window.__xss=1</script> nothing came.")
    shown(browser, "button[type=submit]")[0].click()
    wait(browser, lambda: "Your feedback has been sent" in browser.text(WRAPPER), "no thanks")
    assert not shown(browser, "button[type=submit]")
    shown(browser, "button")[0].click()
    wait(browser, lambda: not browser.all(WRAPPER), "it stays open")
    wait(browser, lambda: browser.driver.title == "__sentry_reportdialog_closed__", "the page was not told")


def dialog_cases(cases, dsn, project, vedette, browser):
    events = [{"event_id": secrets.token_hex(16), "platform": "javascript", "exception": {"values": [{"type": "CheckoutFailed", "value": "for Zoë"}]}} for _ in range(2)]
    for event in events:
        hostile.send(dsn, event)
    with Site(vedette.url) as site:
        browser.complaints()
        with cases.case("the crash report dialog asks on another site's page and takes the answer", browser):
            report(browser, site, vedette, dsn, events[0]["event_id"])
        with cases.case("it works and is styled under a strict policy", browser):
            browser.complaints()
            report(browser, site, vedette, dsn, events[1]["event_id"], "/strict")
            refused = [line for line in browser.complaints() if "Content Security Policy" in line or "Content-Security-Policy" in line]
            assert not refused, refused[:3]
        with cases.case("Escape, Close and the background leave it, a click inside does not", browser):
            for leave in [
                lambda: browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE),
                lambda: browser.one(f"{WRAPPER} .sentry-error-embed-close").click(),
                lambda: browser.driver.execute_script("document.querySelector(arguments[0]).click()", WRAPPER),
            ]:
                browser.open(site.url)
                wait(browser, lambda: browser.all(f"{WRAPPER} form"), "no dialog")
                browser.one(f"{WRAPPER} h2").click()
                assert browser.all(WRAPPER)
                leave()
                wait(browser, lambda: not browser.all(WRAPPER), "it stays open")
        with cases.case("texts of the query stay texts on the page that shows them", browser):
            texts = {name: f"{hostile.ALL} {name}" for name in ["title", "subtitle", "subtitle2", "labelName", "labelEmail", "labelComments", "labelClose", "labelSubmit", "name", "email", "lang"]}
            site.script = address(dsn, events[0]["event_id"], **texts)
            browser.open(site.url)
            wait(browser, lambda: browser.all(f"{WRAPPER} form"), "no dialog")
            assert browser.driver.execute_script("return window.__xss === undefined")
            assert not browser.all(f"{WRAPPER} img, {WRAPPER} iframe, {WRAPPER} script, {WRAPPER} svg")
            assert browser.text(f"{WRAPPER} h2") == " ".join(texts["title"].split())
    with cases.case("what was said is on the feedback page, on the issue's, and can be sorted", browser):
        where = f"{vedette.url}/projects/{project}/feedback"
        WebDriverWait(browser.driver, 15).until(lambda _: browser.open(where) or len(browser.all("[data-test=feedback] [data-test=issue]")) == 2, "two reports with their issue")
        assert "I pressed Pay" in browser.text("[data-test=words]") and browser.driver.execute_script("return window.__xss === undefined")
        browser.screenshot("feedback")
        browser.open(browser.one("[data-test=feedback] [data-test=issue]").get_attribute("href"))
        assert "I pressed Pay" in browser.text("aside [data-test=feedback]"), browser.text("aside")
        browser.screenshot("feedback-issue")
        browser.open(where)
        browser.press("[data-test=feedback] button[value=resolve]")
        assert len(browser.all("[data-test=feedback]")) == 1
        browser.press("[data-test=feedback] button[value=spam]")
        assert browser.all("[data-test=empty]")
        complaints = [line for line in browser.complaints() if "favicon" not in line and "error-page" not in line]
        assert not complaints, complaints[:3]
