"""A small program with an unmodified sentry-sdk 2.x, as its documentation says to set it up. DSN, release and environment come from the SDK's own variables.

usage: sdk2.py unhandled|story|limited|deliveries|oversized
"""
import sys
import time

import sentry_sdk
from sentry_sdk.crons import capture_checkin

sentry_sdk.init(traces_sample_rate=1.0, enable_logs=True, auto_session_tracking=False)


class PaymentDeclined(Exception):
    pass


class Processor:
    def charge(self, amount, currency):
        attempts = 3
        raise PaymentDeclined(f"card processor answered 503 to {amount} {currency}")


def check_out(cart):
    total = sum(price for _, price in cart)
    currency = "EUR"
    sentry_sdk.add_breadcrumb(category="cart", message="cart was validated", level="info", data={"lines": len(cart)})
    Processor().charge(total, currency)


def unhandled():
    check_out([("teapot", 40), ("milk", 2)])


def take(stock, name):
    try:
        stock[name] -= 1
    except KeyError as error:
        raise LookupError(f"the {name} is not in stock") from error


def chained():
    with sentry_sdk.new_scope() as scope:
        scope.set_user({"id": "u-77", "email": "ana@example.test", "username": "ana"})
        scope.set_tag("shop.region", "alps")
        scope.set_context("cart", {"lines": 2, "coupon": "SPRING"})
        scope.add_breadcrumb(category="auth", message="ana signed in", level="info")
        try:
            take({"teapot": 0}, "kettle")
        except LookupError as error:
            sentry_sdk.capture_exception(error)


def grouped():
    for colour in ["red", "blue"]:
        with sentry_sdk.new_scope() as scope:
            scope.fingerprint = ["paint", "used up"]
            try:
                raise RuntimeError(f"no {colour} paint is left")
            except RuntimeError:
                sentry_sdk.capture_exception()


def attached():
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"teapot 40 EUR\n", filename="invoice.txt", content_type="text/plain")
        try:
            raise RuntimeError("the invoice was not printed")
        except RuntimeError as error:
            sentry_sdk.capture_exception(error)


def nightly():
    with sentry_sdk.start_transaction(op="task", name="nightly report"):
        with sentry_sdk.start_span(op="db", name="select the orders"):
            pass


def session():
    sentry_sdk.get_isolation_scope().start_session()
    sentry_sdk.get_isolation_scope().end_session()


def check_in():
    capture_checkin(monitor_slug="nightly-report", status="ok", duration=3)


def log():
    sentry_sdk.logger.warning("the till is open since {hours} hours", hours=14)


def story():
    sentry_sdk.capture_message("the price list is older than a day", level="warning")
    chained()
    grouped()
    attached()
    # Twice: the second time the server has answered, and the SDK knows what it keeps.
    for _ in range(2):
        nightly(), session(), check_in(), log()
        sentry_sdk.flush()


def limited():
    # Ten that a limit lets through, one that the server refuses, three that the SDK then keeps back, as nothing else.
    for number in range(1, 15):
        sentry_sdk.capture_message(f"order {number}")
        sentry_sdk.flush()
    nightly(), session(), check_in()
    sentry_sdk.flush()
    time.sleep(7)
    sentry_sdk.capture_message("order 15")
    sentry_sdk.flush()


def deliveries(too_much=""):
    for day in ["monday", "tuesday", "wednesday"]:
        with sentry_sdk.new_scope() as scope:
            scope.set_extra("page", too_much if day == "tuesday" else "")
            sentry_sdk.capture_message(f"delivery of {day}")
        sentry_sdk.flush()


def oversized():
    deliveries("x" * 1_800_000)


{"unhandled": unhandled, "story": story, "limited": limited, "deliveries": deliveries, "oversized": oversized}[sys.argv[1]]()
