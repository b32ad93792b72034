"""What hostile clients sent, on every page that shows it, in four kinds of browser: nothing of it may run or change the page."""
import urllib.request

from browser import Browser
from cases import has
from vedette import EMAIL, PASSWORD


def look(cases, browser, label, dashboard, rows, mails):
    """Every page that shows what a hostile client sent, in one kind of browser."""
    browser.complaints()
    with cases.case(f"hostile events stay text {label}", browser):
        visit(browser, f"{dashboard.url}/issues?project=hostile")
        for number, (_, address) in enumerate(rows):
            visit(browser, address)
            if number == 1:
                browser.screenshot(f"hostile-{label.replace(' ', '-')}")
            visit(browser, browser.one("[data-test=why] a").get_attribute("href"))
        visit(browser, f"{dashboard.url}/projects")
        for page in dashboard.mails("hostile", mails):
            visit(browser, page)
    with cases.case(f"the raw event is JSON to the browser {label}", browser):
        browser.open(rows[0][1])
        raw = browser.one("a[href$='/json']").get_attribute("href")
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in browser.driver.get_cookies())
        with urllib.request.urlopen(urllib.request.Request(raw, headers={"Cookie": cookies}), timeout=10) as answer:
            assert answer.headers["content-type"].startswith("application/json"), answer.headers["content-type"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            has(answer.read().decode(), "window.__xss")


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


def hostile_cases(cases, counts, dashboard, output):
    sent, mails = counts
    rows = []
    for dark, scripts in [(False, True), (True, True), (False, False), (True, False)]:
        label = f"in {'dark' if dark else 'light'} {'with' if scripts else 'without'} JavaScript"
        with Browser(output, dark=dark, scripts=scripts) as browser:
            with cases.case(f"signing in and listing {label}", browser):
                browser.sign_in(dashboard.url, EMAIL, PASSWORD)
                rows = browser.issue_rows(dashboard.url, "hostile", sent)
            look(cases, browser, label, dashboard, rows, mails)
            with cases.case(f"the colours follow the scheme {label}", browser):
                colour = browser.driver.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
                light = sum(int(part) for part in "".join(c if c.isdigit() else " " for c in colour).split()[:3]) > 382
                assert light != dark, colour
