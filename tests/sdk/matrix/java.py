"""Java: io.sentry:sentry on its own, and the Logback appender, with which the program only logs. Neither sends source lines or variables."""
from matrix import pins
from matrix.sdk import ONCE_EACH, Sdk, program


def sdks(installed):
    def sdk(name, main, **more):
        classpath = installed / "java" / f"{name}.classpath"
        command = ["java", "-cp", classpath.read_text().strip() if classpath.exists() else "", f"shop.{main}"]
        return Sdk(
            name=f"java-{name}", part="java", run=program(command), platform="java", kind="java", declined=f"{main}$PaymentDeclined", functions=("checkOut", "charge"), file=f"{main}.java",
            chain=("NullPointerException", "IllegalStateException"), level="fatal", **more,
        )

    return [
        sdk(
            "plain", "Shop", title=f"Java sentry {pins.jars('sentry')[0]}", reports_as="sentry.java", further=("the shop is closed",),
            not_kept={"transaction": ONCE_EACH, "session": (None, None), "monitor": ONCE_EACH, "log_item": ONCE_EACH},
        ),
        sdk(
            "logback", "LogbackShop", title=f"Java sentry-logback {pins.jars('sentry-logback')[0]}", reports_as="sentry.java.logback", categories=("till", "till"),
            attachment=False, feedback=False,
        ),
    ]
