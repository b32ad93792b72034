// A small program with an unmodified @sentry/node 7. DSN, release and environment come from the SDK's own variables.
//
// usage: node shop7.cjs unhandled|story
const Sentry = require("@sentry/node");

Sentry.init({ includeLocalVariables: true, tracesSampleRate: 1 });

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
  setTimeout(() => checkOut([{ name: "teapot", price: 40 }, { name: "milk", price: 2 }]), 3000);
}

function take(stock, name) {
  try {
    stock[name].count -= 1;
  } catch (error) {
    throw new Error(`the ${name} is not in stock`, { cause: error });
  }
}

function chained() {
  Sentry.withScope((scope) => {
    scope.setUser({ id: "u-77", email: "ana@example.test", username: "ana" });
    scope.setTag("shop.region", "alps");
    scope.setContext("cart", { lines: 2, coupon: "SPRING" });
    scope.addBreadcrumb({ category: "auth", message: "ana signed in", level: "info" });
    try {
      take({ teapot: { count: 0 } }, "kettle");
    } catch (error) {
      Sentry.captureException(error);
    }
  });
}

function grouped() {
  for (const colour of ["red", "blue"]) {
    Sentry.withScope((scope) => {
      scope.setFingerprint(["paint", "used up"]);
      Sentry.captureException(new Error(`no ${colour} paint is left`));
    });
  }
}

function attached() {
  Sentry.withScope((scope) => {
    scope.addAttachment({ filename: "invoice.txt", data: "teapot 40 EUR\n", contentType: "text/plain" });
    Sentry.captureException(new Error("the invoice was not printed"));
  });
}

function nightly() {
  Sentry.startSpan({ op: "task", name: "nightly report" }, () => {
    Sentry.startSpan({ op: "db", name: "select the orders" }, () => {});
  });
}

function session() {
  Sentry.startSession();
  Sentry.endSession();
}

function checkIn() {
  Sentry.captureCheckIn({ monitorSlug: "nightly-report", status: "ok", duration: 3 });
}

async function story() {
  Sentry.captureMessage("the price list is older than a day", "warning");
  chained();
  grouped();
  attached();
  // Twice: the second time the server has answered, and the SDK knows what it keeps.
  for (let round = 0; round < 2; round++) {
    nightly(), session(), checkIn();
    await Sentry.flush(5000);
  }
}

({ unhandled, story })[process.argv[2]]();
