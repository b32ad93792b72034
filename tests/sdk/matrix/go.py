"""Go: sentry-go. It has no sessions and no feedback, sends no source lines, and does not say that a panic was not handled."""
from matrix import pins
from matrix.sdk import ONCE_EACH, Sdk, program


def sdks(installed):
    return [Sdk(
        name="go", title=f"Go sentry-go {pins.go('github.com/getsentry/sentry-go')}", platform="go", kind="go", reports_as="sentry.go", run=program([str(installed / "go/shop")]),
        functions=("checkOut", "charge"), file="main.go", chain=("errorString", "outOfStock"), handled=None, level="fatal", feedback=False,
        not_kept={"transaction": ONCE_EACH, "monitor": ONCE_EACH, "log_item": ONCE_EACH}, further=("the shop is closed",),
    )]
