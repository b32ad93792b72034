"""Rust: the `sentry` crate. It has no feedback, and its rate limits do not know check-ins."""
from matrix import pins
from matrix.sdk import ONCE_EACH, Sdk, program


def sdks(installed):
    return [Sdk(
        name="rust", title=f"Rust sentry {pins.cargo('sentry')}", platform="native", kind="rust", reports_as="sentry.rust", run=program([str(installed / "rust/debug/shop")], RUST_BACKTRACE="0"),
        declined="panic", functions=("check_out", "charge"), file="main.rs", chain=("NotOnTheShelf", "OutOfStock"), level="fatal", feedback=False,
        not_kept={"transaction": ONCE_EACH, "session": (None, None), "monitor": (2, 0), "log_item": ONCE_EACH}, further=("the shop is closed",),
    )]
