// A page with an unmodified @sentry/browser. Its DSN, release and environment stand in config.js, which whoever runs the page writes.
//
// index.html?unhandled|story; the title says when it is done
import * as Sentry from "@sentry/browser";

Sentry.init({ ...window.SHOP, tracesSampleRate: 1, enableLogs: true });

class PaymentDeclined extends Error {
  name = "PaymentDeclined";
}

function charge(amount, currency) {
  throw new PaymentDeclined(`card processor answered 503 to ${amount} ${currency}`);
}

function checkOut(cart) {
  const total = cart.reduce((sum, line) => sum + line.price, 0);
  Sentry.addBreadcrumb({ category: "cart", message: "cart was validated", level: "info" });
  charge(total, "EUR");
}

async function unhandled() {
  setTimeout(() => checkOut([{ name: "teapot", price: 40 }, { name: "milk", price: 2 }]));
  setTimeout(() => Promise.reject(new RangeError("the delivery man found nobody")));
  await new Promise((resolve) => setTimeout(resolve, 500));
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

// The policy of the page (browser.py) allows pictures from the page's own origin only.
function forbiddenPicture() {
  return new Promise((resolve) => {
    const picture = new Image();
    picture.onerror = resolve;
    picture.src = "http://pictures.example.test/teapot.png";
  });
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

function log() {
  Sentry.logger.warn(Sentry.logger.fmt`the till is open since ${14} hours`);
}

async function story() {
  Sentry.captureMessage("the price list is older than a day", "warning");
  chained();
  grouped();
  feedback(attached());
  await forbiddenPicture();
  // Twice: the second time the server has answered, and the SDK knows what it keeps.
  for (let round = 0; round < 2; round++) {
    nightly(), session(), log();
    await Sentry.flush(5000);
  }
}

const scenario = { unhandled, story }[location.search.slice(1)];
scenario().then(() => Sentry.flush(5000)).then(() => (document.title = "done"));
