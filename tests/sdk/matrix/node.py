"""Node.js: @sentry/node 11, whose spans come alone; 10; and 7, which reports nothing of what it drops."""
from matrix import pins
from matrix.sdk import ONCE_EACH, PROGRAMS, Sdk, program


def sdks(installed):
    def sdk(name, file, **more):
        modules = installed / name / "node_modules"
        own = modules / ".bin" / "node"
        run = program([str(own) if own.exists() else "node", file], PROGRAMS / "node", NODE_PATH=str(modules))
        return Sdk(
            name=name, title=f"Node.js @sentry/node {pins.npm(f'node/{name}', '@sentry/node')}", run=run, file=file, platform="node", kind="node", reports_as="sentry.javascript.node", functions=("checkOut", "charge"),
            chain=("TypeError", "Error"), source="throw new PaymentDeclined(", variable="attempts", level="fatal", **more,
        )

    # The SDK has a session of its own for the process.
    kinds = {"session": (None, 1), "monitor": ONCE_EACH, "log_item": ONCE_EACH}
    return [
        sdk("node-11", "shop.cjs", not_kept={"span": (2, 2), **kinds}),
        sdk("node-10", "shop.cjs", not_kept={"transaction": ONCE_EACH, **kinds}),
        sdk("node-7", "shop7.cjs", feedback=False, not_kept={"transaction": (1, 0), "session": (None, 0), "monitor": (1, 0)}),
    ]
