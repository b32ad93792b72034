// A small program with an unmodified @sentry/node 10 or newer. DSN, release and environment come from the SDK's own variables.
//
// usage: node shop.cjs unhandled|story|limited|deliveries|oversized
const Sentry = require("@sentry/node");

Sentry.init({ includeLocalVariables: true, tracesSampleRate: 1, enableLogs: true });

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
  return Sentry.withScope((scope) => {
    scope.addAttachment({ filename: "invoice.txt", data: "teapot 40 EUR\n", contentType: "text/plain" });
    return Sentry.captureException(new Error("the invoice was not printed"));
  });
}

function feedback(associatedEventId) {
  Sentry.captureFeedback({ name: "Ana", email: "ana@example.test", message: "The printer stays dark", associatedEventId });
}

function nightly() {
  Sentry.startSpan({ op: "task", name: "nightly report", forceTransaction: true }, () => {
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

function log() {
  Sentry.logger.warn(Sentry.logger.fmt`the till is open since ${14} hours`);
}

async function story() {
  Sentry.captureMessage("the price list is older than a day", "warning");
  chained();
  grouped();
  feedback(attached());
  // Twice: the second time the server has answered, and the SDK knows what it keeps.
  for (let round = 0; round < 2; round++) {
    nightly(), session(), checkIn(), log();
    await Sentry.flush(5000);
  }
}

async function limited() {
  // Ten that a limit lets through, one that the server refuses, three that the SDK then keeps back, as nothing else.
  for (let number = 1; number < 15; number++) {
    Sentry.captureMessage(`order ${number}`);
    await Sentry.flush(5000);
  }
  nightly(), session(), checkIn();
  await Sentry.flush(5000);
  await new Promise((resolve) => setTimeout(resolve, 7000));
  Sentry.captureMessage("order 15");
  await Sentry.flush(5000);
}

async function deliveries(tooMuch = {}) {
  for (const day of ["monday", "tuesday", "wednesday"]) {
    Sentry.captureMessage(`delivery of ${day}`, { extra: day === "tuesday" ? tooMuch : {} });
    await Sentry.flush(5000);
  }
}

function oversized() {
  return deliveries({ page: "x".repeat(1_800_000) });
}

({ unhandled, story, limited, deliveries, oversized })[process.argv[2]]();
