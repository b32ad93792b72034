// A small program with an unmodified @sentry/node. DSN, release and environment come from the SDK's own variables.
//
// usage: node shop.cjs unhandled|message|chained
const Sentry = require("@sentry/node");

Sentry.init({ includeLocalVariables: true });

class PaymentDeclined extends Error {
  name = "PaymentDeclined";
}

function charge(amount, currency) {
  const attempts = 3;
  throw new PaymentDeclined(`card processor answered 503 to ${amount} ${currency}`);
}

function checkOut(cart) {
  const total = cart.reduce((sum, line) => sum + line.price, 0);
  Sentry.addBreadcrumb({ category: "cart", message: "cart was validated", level: "info", data: { lines: cart.length } });
  charge(total, "EUR");
}

function unhandled() {
  // The SDK's worker for local variables starts beside the program.
  setTimeout(() => checkOut([{ name: "teapot", price: 40 }, { name: "milk", price: 2 }]), 1000);
}

function message() {
  Sentry.captureMessage("the price list is older than a day", "warning");
}

function chained() {
  Sentry.setUser({ id: "u-77", email: "ana@example.test", username: "ana" });
  Sentry.setTag("shop.region", "alps");
  Sentry.addBreadcrumb({ category: "auth", message: "ana signed in", level: "info" });
  try {
    try {
      undefined.kettle;
    } catch (error) {
      throw new Error("the kettle is not in stock", { cause: error });
    }
  } catch (error) {
    Sentry.captureException(error);
  }
}

({ unhandled, message, chained })[process.argv[2]]();
