"""What is known of an SDK and of the program that uses it."""
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"

# What programs send and this server keeps. Set to True once the server does: the assertions that then hold are in expect.py.
KEPT = {"attachment": True, "feedback": True, "security": True}

RELEASE = "shop@1.4.2"
ENVIRONMENT = "staging"
# Of what a program sends twice, the server sees the first; told that it is not kept, the SDK drops the second.
ONCE_EACH = (1, 1)


@dataclass(frozen=True)
class Sdk:
    """One SDK: how its program is run, and how this SDK and language spell what it reports."""

    # The project is called after it.
    name: str
    # For people, with the version.
    title: str
    # `platform` and `sdk.name` of its events.
    platform: str
    reports_as: str
    # What kind of project a person makes for it.
    kind: str
    # run(scenario, dsn)
    run: Callable
    # Types of the chained exceptions, the cause first.
    chain: tuple
    # The error that nobody handles: its type, the functions on the way to it (outermost first), the file, the line that raised it, a variable there.
    declined: str = "PaymentDeclined"
    functions: tuple = ("check_out", "charge")
    file: str = ""
    source: str = ""
    variable: str = ""
    handled: bool | None = False
    level: str = "error"
    # Categories of the breadcrumbs before that error and before the chained ones.
    categories: tuple = ("cart", "auth")
    # Where structured data of the program goes.
    data: str = "contexts"
    # Whether it has the feature.
    attachment: bool = True
    feedback: bool = True
    # Whether its program has a browser report a violated policy.
    security: bool = False
    # What it sends and this server does not keep: category → how much arrives, and how much the SDK then drops and reports. None: any number.
    not_kept: dict = field(default_factory=dict)
    # What script/sdks makes for it, where that is not called as the SDK.
    part: str = ""
    # Titles of issues that only this SDK's program makes.
    further: tuple = ()

    @property
    def project(self):
        return f"sdk-{self.name}"


def program(command, cwd=None, **environment):
    """Runs scenarios as processes; an exception that nobody handles ends one as it would without the SDK."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SENTRY_", "VEDETTE_"))}

    def run(scenario, dsn):
        settings = {"SENTRY_DSN": dsn, "SENTRY_RELEASE": RELEASE, "SENTRY_ENVIRONMENT": ENVIRONMENT, **environment}
        done = subprocess.run([*command, scenario], cwd=cwd, env=inherited | settings, capture_output=True, text=True, timeout=90)
        assert (done.returncode != 0) == (scenario == "unhandled"), f"{command} {scenario} ended with {done.returncode}: {done.stderr[-1500:]}"
    return run
