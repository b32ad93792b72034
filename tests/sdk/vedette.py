"""The server under test: the built binary with a data directory of its own and its managed PostgreSQL."""
import os
import subprocess
import time
import urllib.request
from pathlib import Path

EMAIL = "admin@example.test"
PASSWORD = "a long enough password"


class Vedette:
    def __init__(self, binary, data_dir, log, **settings):
        self.binary, self.data_dir, self.log = str(binary), Path(data_dir), Path(log)
        # Nothing of the machine's own settings: no external database, no other address.
        inherited = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith(("VEDETTE_", "SENTRY_"))}
        self.environment = {**inherited, "VEDETTE_ADMIN_EMAIL": EMAIL, "VEDETTE_ADMIN_PASSWORD": PASSWORD, **settings}
        self.process = None
        self.address = None

    @property
    def url(self):
        return f"http://{self.address}"

    def start(self, listen="127.0.0.1:0", patience=60):
        """Starts the server and waits until it answers and its database is set up; returns the seconds that took."""
        file = self.data_dir / "address"
        file.unlink(missing_ok=True)
        began = time.monotonic()
        said_before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            arguments = [self.binary, "serve", "--data-dir", str(self.data_dir), "--listen", listen]
            self.process = subprocess.Popen(arguments, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while time.monotonic() - began < patience:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.last_words()}")
            if file.exists() and (text := file.read_text().strip()):
                self.address = text
                try:
                    with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                        # Events are taken from the first moment on; pages need the tables, and this line comes after them.
                        if answer.status == 200 and b"listens on" in self.log.read_bytes()[said_before:]:
                            return time.monotonic() - began
                except OSError:
                    pass
            time.sleep(0.02)
        raise AssertionError(f"no answer after {patience} s: {self.last_words()}")

    def command(self, *arguments):
        """Runs another command of the binary beside the server; returns what it printed."""
        done = subprocess.run([self.binary, *arguments, "--data-dir", str(self.data_dir)], env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stderr.strip()[-500:]}"
        return done.stdout

    def new_project(self, name, platform):
        """Makes a project; returns its DSN, the last line of the output."""
        return self.command("project", "create", name, "--platform", platform).strip().splitlines()[-1]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks the server to end; returns its exit code."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        return self.process.wait(timeout=60)

    def last_words(self):
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "it said nothing"
