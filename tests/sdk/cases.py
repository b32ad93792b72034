"""Cases that are counted; one that fails says why and does not stop the others. May be used from several threads."""
import contextlib
import sys
import threading
import time
import traceback


class Cases:
    def __init__(self):
        self.passed, self.failed = 0, 0
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def case(self, name, browser=None):
        began = time.monotonic()
        try:
            yield
        except Exception as error:  # whatever it is, the other cases have their turn
            with self.lock:
                self.failed += 1
                print(f"FAILED {name}: {error}", flush=True)
                if not isinstance(error, AssertionError) or not str(error):
                    traceback.print_exc(file=sys.stdout)
            if browser:
                with contextlib.suppress(Exception):
                    browser.screenshot("failed-" + "".join(c if c.isalnum() else "-" for c in name))
        else:
            with self.lock:
                self.passed += 1
                print(f"ok     {name} ({time.monotonic() - began:.1f} s)", flush=True)


def has(text, *words):
    for word in words:
        assert word in text, f"{word!r} is missing in: {text[:1500]}"


def eventually(what, patience=15):
    """Calls until nothing is wrong any more; what is still wrong then is raised."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return what()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)
