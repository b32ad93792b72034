"""A small program with an unmodified sentry-sdk, as its documentation says to set it up. DSN, release and environment come from the SDK's own variables.

usage: shop.py unhandled|message|chained
"""
import sys

import sentry_sdk

sentry_sdk.init()


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


def message():
    sentry_sdk.capture_message("the price list is older than a day", level="warning")


def chained():
    sentry_sdk.set_user({"id": "u-77", "email": "ana@example.test", "username": "ana"})
    sentry_sdk.set_tag("shop.region", "alps")
    sentry_sdk.add_breadcrumb(category="auth", message="ana signed in", level="info")
    stock = {"teapot": 0}
    try:
        try:
            stock["kettle"] -= 1
        except KeyError as error:
            raise LookupError("the kettle is not in stock") from error
    except LookupError as error:
        sentry_sdk.capture_exception(error)


{"unhandled": unhandled, "message": message, "chained": chained}[sys.argv[1]]()
