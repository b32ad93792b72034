"""A small program with an unmodified raven, the client before sentry-sdk. DSN, release and environment come from its own variables.

usage: raven_shop.py unhandled|story
"""
import logging
import sys

from raven import Client
from raven.conf import setup_logging
from raven.handlers.logging import SentryHandler

client = Client(install_sys_hook=True, include_paths=["__main__"])


class PaymentDeclined(Exception):
    pass


class Processor:
    def charge(self, amount, currency):
        attempts = 3
        raise PaymentDeclined("card processor answered 503 to %s %s" % (amount, currency))


def check_out(cart):
    total = sum(price for _, price in cart)
    currency = "EUR"
    client.captureBreadcrumb(category="cart", message="cart was validated", level="info", data={"lines": len(cart)})
    Processor().charge(total, currency)


def unhandled():
    check_out([("teapot", 40), ("milk", 2)])


def take(stock, name):
    try:
        stock[name] -= 1
    except KeyError as error:
        raise LookupError("the %s is not in stock" % name) from error


def chained():
    client.context.merge({"tags": {"shop.region": "alps"}})
    client.user_context({"id": "u-77", "email": "ana@example.test", "username": "ana"})
    client.extra_context({"lines": 2, "coupon": "SPRING"})
    client.captureBreadcrumb(category="auth", message="ana signed in", level="info")
    try:
        take({"teapot": 0}, "kettle")
    except LookupError:
        client.captureException()
    client.context.clear()


def grouped():
    # All of them live to the end: raven tells exceptions apart by their addresses.
    errors = [RuntimeError("no %s paint is left" % colour) for colour in ["red", "blue"]]
    for error in errors:
        try:
            raise error
        except RuntimeError:
            client.captureException(fingerprint=["paint", "used up"])


def logged():
    setup_logging(SentryHandler(client, level=logging.ERROR))
    logging.getLogger("shop.till").error("the till is open since %s hours", 14)


def story():
    client.captureMessage("the price list is older than a day", level=logging.WARNING)
    chained()
    grouped()
    logged()


{"unhandled": unhandled, "story": story}[sys.argv[1]]()
