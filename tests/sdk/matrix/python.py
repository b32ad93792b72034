"""Python: sentry-sdk 2 and 1, and raven, which posts base64 of zlib to /store/."""
import sys

from matrix import pins
from matrix.sdk import ONCE_EACH, PROGRAMS, Sdk, program

FOLDER = PROGRAMS / "python"


def sdks(installed):
    def sdk(name, file, **more):
        run = program([sys.executable, file], FOLDER, PYTHONPATH=str(installed / name))
        return Sdk(name=name, run=run, file=file, platform="python", kind="python", chain=("KeyError", "LookupError"), source="raise PaymentDeclined(", variable="attempts", feedback=False, **more)

    kinds = {"transaction": ONCE_EACH, "session": ONCE_EACH, "monitor": ONCE_EACH}
    return [
        sdk("python-2", "sdk2.py", title=f"Python sentry-sdk {pins.pip('python-2', 'sentry-sdk')}", reports_as="sentry.python", not_kept={**kinds, "log_item": ONCE_EACH}),
        sdk("python-1", "sdk1.py", title=f"Python sentry-sdk {pins.pip('python-1', 'sentry-sdk')}", reports_as="sentry.python", not_kept=kinds),
        sdk(
            "raven", "raven_shop.py", title=f"Python raven {pins.pip('raven', 'raven')}", reports_as="raven-python", handled=None, level="fatal", data="extra", attachment=False,
            further=("the till is open since 14 hours",),
        ),
    ]
