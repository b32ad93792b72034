#!/usr/bin/env python3
"""End to end, for real at every step: SDKs from their registries, PostgreSQL, SMTP, Chromium, and the built binary between them.

usage: run.py BINARY DIR      (script/test makes the environment: script/sdks has filled DIR)

Prints a line per case and, last, `e2e: N passed, N failed`. Screenshots, the server's log and every mail stay in DIR.
"""
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "browser")]

import dialog  # noqa: E402
import hostile  # noqa: E402
import matrix  # noqa: E402
import rules  # noqa: E402
from browser import Browser  # noqa: E402
from cases import Cases, has  # noqa: E402
from dashboard import Dashboard  # noqa: E402
from hostile_pages import hostile_cases  # noqa: E402
from mail_time import mail_time_cases  # noqa: E402
from mailbox import Mailbox, link_in, text_of  # noqa: E402
from vedette import EMAIL, PASSWORD, Vedette  # noqa: E402

# The project whose issues are looked at in a browser.
SHOP = "sdk-python-2"
SHOP_ISSUES = 5
HOSTILE_MAILS = 3
COLLEAGUE = "colleague@example.test"


def browser_cases(cases, vedette, browser, mailbox):
    """What a developer sees in the browser, and in the mail."""
    rows = []
    with cases.case("the issue list shows an issue for each problem", browser):
        rows = browser.issue_rows(vedette.url, SHOP, SHOP_ISSUES)
        browser.screenshot(f"{SHOP}-list")
        has(" ".join(text for text, _ in rows), "PaymentDeclined", "card processor answered 503 to 42 EUR", "the price list is older than a day", "the kettle is not in stock")
    for words in ["PaymentDeclined", "the price list", "the kettle"]:
        with cases.case(f"the issue about {words} opens", browser):
            [address] = [address for text, address in rows if words in text]
            browser.open(address)
            has(browser.text("main"), words)
            browser.screenshot(f"{SHOP}-{words.replace(' ', '-')}")
    with cases.case("the mail about the new issue leads to it", browser):
        mail = mailbox.wait_for(["PaymentDeclined", SHOP])
        assert mail.recipients == [f"{SHOP}@example.test"], mail.recipients
        assert mail["message-id"] and mail["auto-submitted"] == "auto-generated"
        for kind in ["plain", "html"]:
            has(text_of(mail, kind), "PaymentDeclined", "card processor answered 503 to 42 EUR", SHOP, "staging", "shop@1.4.2", "charge")
        browser.open(link_in(mail))
        has(browser.text("[data-test=title]"), "PaymentDeclined")


def regression_case(cases, sdk, dsn, servers, browser):
    vedette, dashboard, mailbox = servers
    with cases.case("a resolved issue that comes back says so, on its page and by mail", browser):
        # Who has just had a mail about this project hears of it with others in some minutes; a new member at once.
        vedette.command("user", "create", COLLEAGUE)
        dashboard.post(f"/projects/{SHOP}/members", {"email": COLLEAGUE})
        [address] = [address for text, address in browser.issue_rows(vedette.url, SHOP, SHOP_ISSUES) if "PaymentDeclined" in text]
        browser.open(address)
        browser.press("form[action$='/resolve'] button")
        has(browser.text("[data-test=status]").lower(), "resolved")
        browser.issue_rows(vedette.url, SHOP, SHOP_ISSUES - 1)
        sdk.run("unhandled", dsn)
        mail = mailbox.wait_for(["PaymentDeclined", SHOP, "Back"])
        assert mail.recipients == [COLLEAGUE], mail.recipients
        has(text_of(mail, "plain"), "is back after it was resolved")
        assert link_in(mail) == address, f"the mail leads to {link_in(mail)}, the issue is {address}"
        browser.open(address)
        has(browser.text("[data-test=status]").lower(), "regressed")
        assert browser.text("[data-test=events]") == "2", browser.text("[data-test=events]")


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
        rows = browser.issue_rows(vedette.url, SHOP, SHOP_ISSUES + 1)
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


def hostile_all(cases, vedette, dashboard, output):
    sent = 0
    with cases.case("hostile events are taken"):
        dsn = vedette.new_project("hostile", "other")
        events = list(hostile.events())
        sent = len([hostile.send(dsn, event) for event in events])
        # Of each kind one mail: in one project the second would wait for others.
        for number, event in enumerate(events[-HOSTILE_MAILS + 1:], 2):
            hostile.send(vedette.new_project(f"hostile-{number}", "other"), event)
    hostile_cases(cases, (sent, HOSTILE_MAILS), dashboard, output)


def everything(cases, vedette, mailbox, output):
    dashboard = None
    with cases.case("a person without a browser signs in"):
        dashboard = Dashboard(vedette.url, EMAIL, PASSWORD)
    if not dashboard:
        return
    mail_time_cases(cases, vedette, mailbox)
    with ThreadPoolExecutor(1) as beside:
        looked = beside.submit(hostile_all, cases, vedette, dashboard, output)
        shops = matrix.run(cases, (vedette, dashboard, mailbox), output)
        looked.result()
    with Browser(output) as browser:
        with cases.case("a person signs in", browser):
            browser.sign_in(vedette.url, EMAIL, PASSWORD)
        browser_cases(cases, vedette, browser, mailbox)
        with cases.case("our own pages make the browser complain of nothing", browser):
            complaints = [line for line in browser.complaints() if "favicon" not in line]
            assert not complaints, complaints[:5]
        policy_case(cases, vedette)
        with cases.case("a project for dialogs", browser):
            dsn = vedette.new_project("dialogs", "browser")
            dialog.dialog_cases(cases, dsn, "dialogs", vedette, browser)
        with cases.case("a project for rules", browser):
            dsn = vedette.new_project("rules", "python")
            rules.rules_cases(cases, dsn, "rules", vedette, browser)
        for sdk, dsn in shops:
            if sdk.project == SHOP:
                regression_case(cases, sdk, dsn, (vedette, dashboard, mailbox), browser)
                crash_case(cases, dsn, vedette, browser)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
