"""Grouping rules being written: names complete at the keyboard and with the mouse, and an explanation leads to the rule that decided."""
import hostile
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

STACK, PRINTS = "#stack_trace_rules", "#fingerprint_rules"


def names(browser, area):
    """What is offered, the chosen one in brackets; nothing when no list is open."""
    options = [option for option in browser.all(f"{area}-names [role=option]") if option.is_displayed()]
    chosen = browser.one(area).get_attribute("aria-activedescendant")
    return [f"[{option.text}]" if option.get_attribute("id") == chosen and option.get_attribute("aria-selected") == "true" else option.text for option in options]


def text(browser, area):
    return browser.one(area).get_attribute("value")


def write(browser, area, *keys):
    field = browser.one(area)
    field.clear()
    field.send_keys(*keys)
    return field


def completion(browser):
    field = write(browser, STACK, "stack.f")
    assert names(browser, STACK) == ["[stack.function:]"], names(browser, STACK)
    field.send_keys(Keys.ENTER)
    assert (text(browser, STACK), names(browser, STACK)) == ("stack.function:", [])
    field.send_keys("retry_* -")
    assert names(browser, STACK) == ["[-app]", "-group"], names(browser, STACK)
    field.send_keys(Keys.DOWN)
    assert names(browser, STACK) == ["-app", "[-group]"], names(browser, STACK)
    browser.screenshot("rules-completion")
    field.send_keys(Keys.DOWN, Keys.UP, Keys.TAB)
    assert text(browser, STACK) == "stack.function:retry_* -group", text(browser, STACK)
    # Nothing open: Enter is a new line, Tab leaves.
    field.send_keys(Keys.ENTER, "# mod")
    assert names(browser, STACK) == [], "a comment has no names"
    field.send_keys(Keys.ENTER, "!mod")
    assert names(browser, STACK)[0] == "[module:]" and "stack.module:" in names(browser, STACK), names(browser, STACK)
    field.send_keys(Keys.ESCAPE)
    assert names(browser, STACK) == [] and browser.driver.switch_to.active_element == field, "Escape closes the list and nothing else"
    field.send_keys(Keys.CONTROL, " ")
    assert names(browser, STACK)[0] == "[module:]"
    browser.one(f"{STACK}-names [role=option]").click()
    assert text(browser, STACK).endswith("\n!module:") and browser.driver.switch_to.active_element == field, text(browser, STACK)
    field.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element != field, "Tab leaves the text"


def variables(browser):
    field = write(browser, PRINTS, "mess")
    assert names(browser, PRINTS) == ["[message:]"], names(browser, PRINTS)
    field.send_keys(Keys.ENTER, '"err')
    assert names(browser, PRINTS) == [], "an argument has no names"
    field.send_keys('or*" -> {{ tr')
    assert names(browser, PRINTS) == ["[transaction]"], names(browser, PRINTS)
    field.send_keys(Keys.ENTER)
    assert text(browser, PRINTS) == 'message:"error*" -> {{ transaction }}', text(browser, PRINTS)
    write(browser, PRINTS, "")


def explained(browser, vedette, project, dsn):
    """From an issue over its explanation to the line of the rule."""
    write(browser, STACK, "# ours", Keys.ENTER, "module:shop.* +app", Keys.ESCAPE)
    browser.press("form [data-test=fingerprint] ~ p button.main")
    frames = [{"module": "shop.pay", "function": "charge", "in_app": False}, {"module": "lib", "function": "call", "in_app": False}]
    hostile.send(dsn, {"event_id": "d" * 32, "platform": "python", "exception": {"values": [{"type": "Refused", "value": "no 5", "stacktrace": {"frames": frames}}]}})
    [(_, address)] = browser.issue_rows(vedette.url, project, 1)
    browser.open(address)
    browser.open(browser.one("[data-test=why] header a").get_attribute("href"))
    assert "led here" in browser.text("[data-test=hashes]")
    browser.screenshot("why")
    browser.one("[data-test=variant] a.note").click()
    WebDriverWait(browser.driver, 10).until(lambda _: browser.all("li:target"), "no rule is pointed at")
    assert browser.text("li:target code") == "module:shop.* +app", browser.text("li:target")


def rules_cases(cases, dsn, project, vedette, browser):
    page = f"{vedette.url}/projects/{project}/settings/grouping"
    browser.complaints()
    browser.open(page)
    with cases.case("names of stack trace rules complete while they are typed", browser):
        completion(browser)
    with cases.case("names and variables of fingerprint rules complete", browser):
        variables(browser)
    with cases.case("an explanation leads to the rule that decided", browser):
        browser.open(page)
        explained(browser, vedette, project, dsn)
    with cases.case("and the browser has nothing to complain of", browser):
        complaints = [line for line in browser.complaints() if "favicon" not in line]
        assert not complaints, complaints[:3]
