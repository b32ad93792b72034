"""Takes pictures of every mail's HTML as people see it (light, dark, narrow), and prints the plain text beside it.

    cargo test --test it mail_samples        writes target/mails/*.html and *.txt
    target/e2e/venv/bin/python tests/browser/mails.py [NAME …]

Pictures lie beside them. Fails when a mail fetches anything or is wider than a phone.
"""
import sys
from pathlib import Path

from browser import Browser

MAILS = Path(__file__).parents[2] / "target" / "mails"


def main(names):
    mails = [mail for mail in sorted(MAILS.glob("*.html")) if not names or mail.stem in names]
    assert mails, f"{MAILS} has no mails: run cargo test --test it mail_samples"
    wide = []
    for dark in (False, True):
        with Browser(MAILS, dark=dark, scripts=False) as browser:
            for mail in mails:
                browser.open(mail.as_uri())
                fetched = [one for one in browser.complaints() if "favicon" not in one]
                assert not fetched, f"{mail.stem}: {fetched}"
                for width, name in [(700, "dark" if dark else "light"), (360, "narrow-dark" if dark else "narrow")]:
                    size = {"width": width, "height": 600, "deviceScaleFactor": 1, "mobile": False}
                    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                    content = browser.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
                    if content["width"] > width:
                        wide.append(f"{mail.stem} is {content['width']} wide at {width}")
                    size["height"] = int(content["height"])
                    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                    browser.driver.save_screenshot(str(MAILS / f"{mail.stem}-{name}.png"))
    for mail in mails:
        print(f"===== {mail.stem}\n{mail.with_suffix('.txt').read_text()}")
    assert not wide, wide


if __name__ == "__main__":
    main(sys.argv[1:])
