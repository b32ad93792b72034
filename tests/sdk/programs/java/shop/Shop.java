package shop;

import io.sentry.Attachment;
import io.sentry.Breadcrumb;
import io.sentry.CheckIn;
import io.sentry.CheckInStatus;
import io.sentry.ISpan;
import io.sentry.ITransaction;
import io.sentry.Sentry;
import io.sentry.SentryLevel;
import io.sentry.protocol.Feedback;
import io.sentry.protocol.SentryId;
import io.sentry.protocol.User;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * A small program with an unmodified io.sentry:sentry. DSN, release and environment come from the SDK's own variables.
 *
 * <p>usage: shop.Shop unhandled|story
 */
public final class Shop {
  static final class PaymentDeclined extends RuntimeException {
    PaymentDeclined(int status, int amount, String currency) {
      super("card processor answered " + status + " to " + amount + " " + currency);
    }
  }

  static void charge(int amount, String currency) {
    throw new PaymentDeclined(503, amount, currency);
  }

  static void checkOut(Map<String, Integer> cart) {
    int total = cart.values().stream().mapToInt(Integer::intValue).sum();
    Sentry.addBreadcrumb(crumb("cart", "cart was validated"));
    charge(total, "EUR");
  }

  static Breadcrumb crumb(String category, String message) {
    Breadcrumb crumb = new Breadcrumb(message);
    crumb.setCategory(category);
    return crumb;
  }

  static void take(Map<String, Integer> stock, String name) {
    try {
      stock.put(name, stock.get(name) - 1);
    } catch (NullPointerException error) {
      throw new IllegalStateException("the " + name + " is not in stock", error);
    }
  }

  static void chained() {
    Sentry.withScope(scope -> {
      User user = new User();
      user.setId("u-77");
      user.setEmail("ana@example.test");
      user.setUsername("ana");
      scope.setUser(user);
      scope.setTag("shop.region", "alps");
      scope.setContexts("cart", Map.of("lines", 2, "coupon", "SPRING"));
      scope.addBreadcrumb(crumb("auth", "ana signed in"));
      try {
        take(new java.util.HashMap<>(Map.of("teapot", 0)), "kettle");
      } catch (IllegalStateException error) {
        Sentry.captureException(error);
      }
    });
  }

  static void grouped() {
    for (String colour : List.of("red", "blue")) {
      Sentry.withScope(scope -> {
        scope.setFingerprint(List.of("paint", "used up"));
        Sentry.captureException(new IllegalArgumentException("no " + colour + " paint is left"));
      });
    }
  }

  static void attached() {
    Sentry.withScope(scope -> {
      scope.addAttachment(new Attachment("teapot 40 EUR\n".getBytes(StandardCharsets.UTF_8), "invoice.txt", "text/plain"));
      feedback(Sentry.captureException(new IllegalStateException("the invoice was not printed")));
    });
  }

  static void feedback(SentryId event) {
    Feedback feedback = new Feedback("The printer stays dark");
    feedback.setName("Ana");
    feedback.setContactEmail("ana@example.test");
    feedback.setAssociatedEventId(event);
    Sentry.feedback().capture(feedback);
  }

  static void nightly() {
    ITransaction transaction = Sentry.startTransaction("nightly report", "task");
    ISpan span = transaction.startChild("db", "select the orders");
    span.finish();
    transaction.finish();
  }

  static void session() {
    Sentry.startSession();
    Sentry.endSession();
  }

  static void checkIn() {
    CheckIn checkIn = new CheckIn("nightly-report", CheckInStatus.OK);
    checkIn.setDuration(3.0);
    Sentry.captureCheckIn(checkIn);
  }

  static void log() {
    Sentry.logger().warn("the till is open since %s hours", 14);
  }

  static void story() {
    Sentry.captureMessage("the price list is older than a day", SentryLevel.WARNING);
    chained();
    grouped();
    attached();
    // Twice: the second time the server has answered, and the SDK knows what it keeps.
    for (int round = 0; round < 2; round++) {
      nightly();
      session();
      checkIn();
      log();
      Sentry.flush(10_000);
    }
    close();
  }

  // Messages come with a stack trace: this one is of another place.
  static void close() {
    // Reports of what was dropped ride on the next envelope.
    Sentry.captureMessage("the shop is closed");
    Sentry.flush(10_000);
  }

  public static void main(String[] arguments) {
    Sentry.init(options -> {
      options.setEnableExternalConfiguration(true);
      options.addInAppInclude("shop");
      options.setTracesSampleRate(1.0);
      options.getLogs().setEnabled(true);
      // On a busy machine the SDK would leave out transactions before it is told to.
      options.setEnableBackpressureHandling(false);
    });
    if (arguments[0].equals("unhandled")) {
      checkOut(Map.of("teapot", 40, "milk", 2));
    }
    story();
  }
}
