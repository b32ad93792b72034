"""Headless Chromium by Debian's chromedriver, and what a person does in the dashboard."""
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


class Browser:
    """One window. `scripts=False` switches the pages' JavaScript off, as a person would."""

    def __init__(self, screenshots, dark=False, scripts=True):
        self.screenshots = Path(screenshots)
        options = Options()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1280,1600", "--disable-background-networking"]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # A dialog fails the next command instead of being waved away.
        options.set_capability("unhandledPromptBehavior", "ignore")
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(30)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        found = self.all(css)
        assert found, f"{self.driver.current_url} has no {css}; it is called {self.driver.title!r}"
        return found[0]

    def text(self, css):
        """All text below an element, also what is folded away."""
        return " ".join(self.one(css).get_attribute("textContent").split())

    def sign_in(self, url, email, password):
        self.open(f"{url}/sign-in")
        self.one("#email").send_keys(email)
        self.one("#password").send_keys(password)
        self.press("form.form button")
        assert "/sign-in" not in self.driver.current_url, f"not signed in: {self.text('main')}"

    def press(self, css):
        """Presses a button that sends a form, and waits for the page that answers."""
        button = self.one(css)
        button.click()
        WebDriverWait(self.driver, 10).until(lambda _: is_gone(button))

    def issue_rows(self, url, project, wanted, patience=15):
        """Rows of a project's issue list once it has `wanted` of them, as (text, address)."""
        deadline = time.monotonic() + patience
        while True:
            self.open(f"{url}/issues?project={project}")
            rows = [(" ".join(row.text.split()), row.find_element(By.CSS_SELECTOR, "a.t").get_attribute("href")) for row in self.all("[data-test=issue]")]
            if len(rows) >= wanted or time.monotonic() > deadline:
                assert len(rows) == wanted, f"{wanted} issues wanted in {project}, the list has {rows}"
                return rows
            time.sleep(0.1)

    def screenshot(self, name):
        """The whole page, for people to look at."""
        height = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
        self.driver.set_window_size(1280, min(int(height) + 200, 6000))
        self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))
        self.driver.set_window_size(1280, 1600)

    def complaints(self):
        """What the browser's console said since the last call: refused scripts and styles, errors of our own scripts."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def is_gone(element):
    """Whether an element's page has been left. Chromedriver has two words for that."""
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        if "does not belong to the document" in str(error):
            return True
        raise
    return False
