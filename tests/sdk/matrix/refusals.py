"""What real SDKs do when the server does not take an event: after a 429 they wait, whatever else is refused is lost alone, nothing comes twice.

A proxy stands before Vedette and refuses the first event in Vedette's words; everything else goes through.
"""
import gzip
import http.client
import json
from urllib.parse import urlsplit

import web
from cases import eventually, has
from matrix.expect import BACKED_OFF

# The program reports one message a day, and waits before the last for longer than this.
PAUSE = 2
LIMITED = {"Retry-After": str(PAUSE), "X-Sentry-Rate-Limits": f"{PAUSE}:error;default;security:project:test"}
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (f"delivery of {day}" for day in ["monday", "tuesday", "wednesday", "thursday"])
ANSWERED, UNREACHABLE = "The server answered with an error", "The server could not be reached"
# What each SDK then says that it dropped, and why. Node.js reports nothing but a 413; to Python all but that is the network's fault.
REPORTED = {
    "python-2": {403: ("1", UNREACHABLE), 413: ("1", ANSWERED), 500: ("1", UNREACHABLE), 503: ("1", UNREACHABLE)},
    "node-11": {403: ("0", ""), 413: ("1", ANSWERED), 500: ("0", ""), 503: ("0", "")},
}


def refusals(cases, sdks, vedette, dashboard):
    """Each refusal with each SDK, as calls that may run side by side."""
    def limited(sdk):
        with cases.case(f"{sdk.title}: after a 429 it sends nothing until the time is over, and reports what it dropped"):
            project, proxy = deliver(sdk, vedette, 429, LIMITED)
            assert proxy.events == [MONDAY, THURSDAY], proxy.events
            dashboard.issue(dashboard.issues(project, 1), THURSDAY)
            # Monday's was refused by the server, which counts it itself; the SDK reports the two that it did not send.
            ends(dashboard, project, "1", "2", BACKED_OFF)

    def refused(sdk, status):
        with cases.case(f"{sdk.title}: after a {status} only that event is lost, and is not sent again"):
            project, proxy = deliver(sdk, vedette, status, {})
            assert proxy.events == [MONDAY, TUESDAY, WEDNESDAY, THURSDAY], proxy.events
            ends(dashboard, project, "3", *REPORTED[sdk.name][status])

    return [lambda sdk=sdk: limited(sdk) for sdk in sdks] + [lambda sdk=sdk, status=status: refused(sdk, status) for sdk in sdks for status in REPORTED[sdk.name]]


def deliver(sdk, vedette, status, headers):
    project = f"{sdk.project}-{status}"
    dsn = urlsplit(vedette.new_project(project, sdk.kind))
    with Proxy(vedette.address, status, headers) as proxy:
        sdk.run("deliveries", dsn._replace(netloc=f"{dsn.username}@{proxy.address}").geturl())
    return project, proxy


def ends(dashboard, project, stored, dropped, reason):
    """The Stats page shows so many errors as stored, and so many as discarded by the SDK for a reason."""
    def look():
        stats = dashboard.stats(project)
        assert stats.get(("error", "stored"), ("0",))[0] == stored, f"{stored} stored wanted: {stats}"
        found, reasons = stats.get(("error", "discarded"), ("0", ""))
        assert found == dropped, f"{dropped} discarded wanted: {stats}"
        has(reasons, reason)
    eventually(look)


class Proxy(web.Server):
    """Refuses the first request that has an event, passes all others on, and remembers the messages of all events that came."""

    def __init__(self, upstream, status, headers):
        self.events = []
        proxy = self

        class Handler(web.Handler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.body()
                messages = events_in(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                first = bool(messages) and not proxy.events
                proxy.events += messages
                if first:
                    return self.answer(status, headers, json.dumps({"detail": "refused by a test"}).encode())
                connection = http.client.HTTPConnection(upstream, timeout=30)
                passed = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "transfer-encoding", "content-length", "connection")}
                connection.request("POST", self.path, body, passed)
                answer = connection.getresponse()
                content = answer.read()
                own = {name: value for name, value in answer.getheaders() if name.lower() not in ("content-length", "transfer-encoding", "connection", "date")}
                return self.answer(answer.status, own, content)

            def body(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

        super().__init__(Handler)
        self.address = f"127.0.0.1:{self.port}"


def events_in(envelope):
    """The messages of the events in an envelope; SDKs write each payload on one line."""
    lines = [json.loads(line) for line in envelope.splitlines() if line.startswith(b"{")]
    return [event["message"] for header, event in zip(lines, lines[1:]) if header.get("type") == "event" and "message" in event]
