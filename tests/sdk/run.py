#!/usr/bin/env python3
"""End to end, for real at every step: SDKs from their registries, PostgreSQL, SMTP, Chromium, and the built binary between them.

usage: run.py BINARY OUTPUT_DIR      (script/test makes the environment; NODE_PATH names the folder with @sentry/node)

Prints a line per case and, last, `e2e: N passed, N failed`. Screenshots, the server's log and every mail stay in OUTPUT_DIR.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "browser")]

import dialog  # noqa: E402
import hostile  # noqa: E402
from browser import Browser  # noqa: E402
from mailbox import Mailbox, link_in, text_of  # noqa: E402
from vedette import EMAIL, PASSWORD, Vedette  # noqa: E402

SCENARIOS = ["unhandled", "message", "chained"]
PROGRAMS = {"python": [sys.executable, str(HERE / "programs/shop.py")], "node": ["node", str(HERE / "programs/shop.cjs")]}


class Cases:
    """Counts what passed; a case that fails says why and does not stop the others."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    @contextlib.contextmanager
    def case(self, name, browser=None):
        began = time.monotonic()
        try:
            yield
        except Exception as error:  # whatever it is, the other cases have their turn
            self.failed += 1
            print(f"FAILED {name}: {error}", flush=True)
            if not isinstance(error, AssertionError) or not str(error):
                traceback.print_exc(file=sys.stdout)
            if browser:
                with contextlib.suppress(Exception):
                    browser.screenshot("failed-" + "".join(c if c.isalnum() else "-" for c in name))
        else:
            self.passed += 1
            print(f"ok     {name} ({time.monotonic() - began:.1f} s)", flush=True)


def has(text, *words):
    for word in words:
        assert word in text, f"{word!r} is missing in: {text[:1500]}"


def report(platform, scenario, dsn):
    """Runs a program that reports one event; an unhandled exception ends it as it would without the SDK."""
    environment = {**os.environ, "SENTRY_DSN": dsn, "SENTRY_RELEASE": "shop@1.4.2", "SENTRY_ENVIRONMENT": "staging"}
    done = subprocess.run([*PROGRAMS[platform], scenario], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == (scenario == "unhandled"), f"{platform} {scenario} ended with {done.returncode}: {done.stderr[-800:]}"


def sdk_cases(cases, platform, dsn, vedette, browser, mailbox):
    """What a developer sees after three errors of one platform."""
    project = f"{platform}-shop"
    for scenario in SCENARIOS:
        with cases.case(f"{platform}: the SDK reports the {scenario} event"):
            report(platform, scenario, dsn)

    rows = []
    with cases.case(f"{platform}: the issue list shows three issues", browser):
        rows = browser.issue_rows(vedette.url, project, len(SCENARIOS))
        browser.screenshot(f"{project}-list")
        everything = " ".join(text for text, _ in rows)
        has(everything, "PaymentDeclined", "card processor answered 503 to 42 EUR", "the price list is older than a day", "the kettle is not in stock")

    def open_issue(words):
        found = [address for text, address in rows if words in text]
        assert found, f"no row says {words!r}"
        browser.open(found[0])

    with cases.case(f"{platform}: the unhandled exception has title, frames, source, locals, breadcrumb", browser):
        open_issue("PaymentDeclined")
        has(browser.text("[data-test=title]"), "PaymentDeclined")
        stack = browser.text("[data-test=stack]")
        functions = ["charge", "check_out", "unhandled"] if platform == "python" else ["charge", "checkOut"]
        has(stack, "card processor answered 503 to 42 EUR", *functions, "shop.py" if platform == "python" else "shop.cjs")
        # The line that raised, in its context, and what the variables were.
        has(stack, "raise PaymentDeclined(" if platform == "python" else "throw new PaymentDeclined(", "attempts = 3", "attempts", "currency")
        has(browser.text("[data-test=breadcrumbs]"), "cart was validated", "cart")
        has(browser.text("[data-test=tags]"), "staging", "shop@1.4.2")
        has(browser.text("[data-test=sdk]"), "sentry.python" if platform == "python" else "sentry.javascript.node")
        assert browser.text("[data-test=events]") == "1", browser.text("[data-test=events]")
        browser.screenshot(f"{project}-unhandled")

    with cases.case(f"{platform}: the message is an issue of its own", browser):
        open_issue("the price list")
        has(browser.text("main"), "the price list is older than a day", "warning")

    with cases.case(f"{platform}: the chained exception shows both links, tags, user and breadcrumb", browser):
        open_issue("the kettle")
        stack = browser.text("[data-test=stack]")
        has(stack, *(["LookupError", "KeyError", "kettle"] if platform == "python" else ["Error", "TypeError", "kettle"]))
        has(browser.text("[data-test=tags]"), "shop.region", "alps")
        has(browser.text("[data-test=user]"), "ana@example.test", "u-77")
        has(browser.text("[data-test=breadcrumbs]"), "ana signed in")
        assert browser.text("[data-test=users]") == "1", browser.text("[data-test=users]")
        browser.screenshot(f"{project}-chained")

    with cases.case(f"{platform}: the mail about the new issue leads to it", browser):
        mail = mailbox.wait_for(["PaymentDeclined", project])
        assert mail.recipients == [EMAIL], mail.recipients
        assert mail["message-id"] and mail["auto-submitted"] == "auto-generated"
        for kind in ["plain", "html"]:
            has(text_of(mail, kind), "PaymentDeclined", "card processor answered 503 to 42 EUR", project, "staging", "shop@1.4.2", "charge")
        browser.open(link_in(mail))
        has(browser.text("[data-test=title]"), "PaymentDeclined")


def look(cases, browser, label, vedette, rows):
    """Every page that shows what a hostile client sent, in one kind of browser."""
    browser.complaints()
    with cases.case(f"hostile events stay text {label}", browser):
        visit(browser, f"{vedette.url}/issues?project=hostile")
        for number, (_, address) in enumerate(rows):
            visit(browser, address)
            if number == 1:
                browser.screenshot(f"hostile-{label.replace(' ', '-')}")
            visit(browser, browser.one("[data-test=why] a").get_attribute("href"))
        visit(browser, f"{vedette.url}/projects")
        visit(browser, f"{vedette.url}/mails")
        for mail in [link.get_attribute("href") for link in browser.all("[data-test=mail] a[href*='/mails/']")][:3]:
            visit(browser, mail)
    with cases.case(f"the raw event is JSON to the browser {label}", browser):
        browser.open(rows[0][1])
        raw = browser.one("a[href$='/json']").get_attribute("href")
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in browser.driver.get_cookies())
        with urllib.request.urlopen(urllib.request.Request(raw, headers={"Cookie": cookies}), timeout=10) as answer:
            assert answer.headers["content-type"].startswith("application/json"), answer.headers["content-type"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            has(answer.read().decode(), "window.__xss")


def regression_case(cases, dsn, vedette, browser, mailbox):
    with cases.case("a resolved issue that comes back says so, on its page and by mail", browser):
        [address] = [address for text, address in browser.issue_rows(vedette.url, "python-shop", len(SCENARIOS)) if "PaymentDeclined" in text]
        browser.open(address)
        browser.press("form[action$='/resolve'] button")
        has(browser.text("[data-test=status]").lower(), "resolved")
        browser.issue_rows(vedette.url, "python-shop", len(SCENARIOS) - 1)
        report("python", "unhandled", dsn)
        mail = mailbox.wait_for(["PaymentDeclined", "python-shop", "Back"])
        has(text_of(mail, "plain"), "is back after it was resolved")
        assert link_in(mail) == address, f"the mail leads to {link_in(mail)}, the issue is {address}"
        browser.open(address)
        has(browser.text("[data-test=status]").lower(), "regressed")
        assert browser.text("[data-test=events]") == "2", browser.text("[data-test=events]")


def visit(browser, url):
    browser.open(url)
    inert(browser)


def inert(browser):
    where = browser.driver.current_url
    # An open dialog would make this very call fail.
    ran = browser.driver.execute_script("return window.__xss === undefined ? null : String(window.__xss)")
    assert ran is None, f"{where}: {ran} ran"
    complaints = [line for line in browser.complaints() if "favicon" not in line]
    assert not complaints, f"{where}: the browser refused something, so something got through as markup: {complaints[:3]}"
    links = [link.get_attribute("href") for link in browser.all("a[href]")]
    wrong = [link for link in links if not link.startswith(("http://", "https://"))]
    assert not wrong, f"{where}: {wrong[:3]}"
    foreign = browser.all("main iframe:not([sandbox]), main svg[onload], main img[onerror], main script, main style, main [style]")
    assert not foreign, f"{where}: markup of the event's is on the page: {foreign[0].get_attribute('outerHTML')[:200]}"


def hostile_cases(cases, dsn, vedette, output):
    sent = [hostile.send(dsn, event) for event in hostile.events()]
    rows = []
    for dark, scripts in [(False, True), (True, True), (False, False), (True, False)]:
        label = f"in {'dark' if dark else 'light'} {'with' if scripts else 'without'} JavaScript"
        with Browser(output, dark=dark, scripts=scripts) as browser:
            with cases.case(f"signing in and listing {label}", browser):
                browser.sign_in(vedette.url, EMAIL, PASSWORD)
                rows = browser.issue_rows(vedette.url, "hostile", len(sent))
            look(cases, browser, label, vedette, rows)
            with cases.case(f"the colours follow the scheme {label}", browser):
                colour = browser.driver.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
                light = sum(int(part) for part in "".join(c if c.isdigit() else " " for c in colour).split()[:3]) > 382
                assert light != dark, colour


def policy_case(cases, vedette):
    with cases.case("every answer carries the strict policy"):
        for path in ["/sign-in", "/issues", "/nowhere"]:
            request = urllib.request.Request(vedette.url + path)
            try:
                headers = urllib.request.urlopen(request, timeout=10).headers
            except urllib.error.HTTPError as answer:
                headers = answer.headers
            policy = headers.get("content-security-policy", "")
            has(policy, "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
            assert "unsafe" not in policy, policy


def crash_case(cases, dsn, vedette, browser):
    with cases.case("after kill -9 the server starts again and what it acknowledged is there", browser):
        event = {"event_id": "c" * 32, "platform": "python", "exception": {"values": [{"type": "LastWords", "value": "sent just before the kill"}]}}
        hostile.send(dsn, event)
        vedette.kill()
        # SDKs and people know the old address.
        took = vedette.start(listen=vedette.address)
        rows = browser.issue_rows(vedette.url, "python-shop", len(SCENARIOS) + 1)
        has(" ".join(text for text, _ in rows), "LastWords", "PaymentDeclined")
        print(f"       (answered {took:.2f} s after the start)")


def main(binary, output):
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.png"):
        old.unlink()
    cases = Cases()
    log = output / "server.log"
    log.unlink(missing_ok=True)
    # A path with a blank, as people have.
    data = Path(tempfile.mkdtemp(prefix="vedette e2e "))
    with Mailbox() as mailbox:
        vedette = Vedette(binary, data, log, VEDETTE_SMTP_URL=mailbox.url)
        try:
            with cases.case("the server starts with no configuration"):
                took = vedette.start()
                print(f"       (listens at {vedette.url} after {took:.1f} s, its new PostgreSQL cluster included)")
            if vedette.address:
                everything(cases, vedette, mailbox, output)
            with cases.case("the server ends in good order, and its PostgreSQL with it"):
                code = vedette.stop()
                assert code == 0, f"exit code {code}: {vedette.last_words()}"
                assert not list(data.glob("**/postmaster.pid")), "PostgreSQL goes on running"
        finally:
            vedette.stop()
            shutil.rmtree(data, ignore_errors=True)
        for number, mail in enumerate(mailbox.mails):
            (output / f"mail-{number}.eml").write_bytes(mail.as_bytes())
    print(f"e2e: {cases.passed} passed, {cases.failed} failed")
    return 1 if cases.failed else 0


def everything(cases, vedette, mailbox, output):
    dsns = {}
    with cases.case("projects are made by command while the server runs"):
        for name, platform in [("python-shop", "python"), ("node-shop", "node"), ("hostile", "other"), ("dialogs", "browser")]:
            dsns[name] = vedette.new_project(name, platform)
            assert dsns[name].startswith("http://") and vedette.address in dsns[name], dsns[name]
    with Browser(output) as browser:
        with cases.case("a person signs in", browser):
            browser.sign_in(vedette.url, EMAIL, PASSWORD)
        for platform in PROGRAMS:
            if f"{platform}-shop" in dsns:
                sdk_cases(cases, platform, dsns[f"{platform}-shop"], vedette, browser, mailbox)
        with cases.case("our own pages make the browser complain of nothing", browser):
            complaints = [line for line in browser.complaints() if "favicon" not in line]
            assert not complaints, complaints[:5]
        if "python-shop" in dsns:
            regression_case(cases, dsns["python-shop"], vedette, browser, mailbox)
        policy_case(cases, vedette)
        if "dialogs" in dsns:
            dialog.dialog_cases(cases, dsns["dialogs"], "dialogs", vedette, browser)
        if "hostile" in dsns:
            hostile_cases(cases, dsns["hostile"], vedette, output)
        if "python-shop" in dsns:
            crash_case(cases, dsns["python-shop"], vedette, browser)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
