package shop;

import io.sentry.Sentry;
import io.sentry.protocol.User;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * A small program that logs with Logback and an unmodified io.sentry:sentry-logback, set up in logback.xml. DSN, release and environment come from the SDK's own variables.
 *
 * <p>usage: shop.LogbackShop unhandled|story
 */
public final class LogbackShop {
  private static final Logger LOG = LoggerFactory.getLogger("till");

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
    LOG.info("cart was validated");
    charge(total, "EUR");
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
      scope.setContexts("cart", Map.of("lines", 2, "coupon", "SPRING"));
      MDC.put("shop.region", "alps");
      LOG.info("ana signed in");
      try {
        take(new HashMap<>(Map.of("teapot", 0)), "kettle");
      } catch (IllegalStateException error) {
        LOG.error("could not take {}", "the kettle", error);
      }
      MDC.clear();
    });
  }

  static void grouped() {
    for (String colour : List.of("red", "blue")) {
      Sentry.withScope(scope -> {
        scope.setFingerprint(List.of("paint", "used up"));
        LOG.error("could not paint", new IllegalArgumentException("no " + colour + " paint is left"));
      });
    }
  }

  public static void main(String[] arguments) {
    if (arguments[0].equals("unhandled")) {
      checkOut(Map.of("teapot", 40, "milk", 2));
    }
    LOG.warn("the price list is older than {}", "a day");
    chained();
    grouped();
    Sentry.flush(10_000);
  }
}
