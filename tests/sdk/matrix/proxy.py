"""A proxy between an SDK and Vedette that writes down what both say."""
import gzip
import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import web


@dataclass
class Exchange:
    """A request and its answer."""

    # Kind and payload of each item.
    items: list
    status: int
    # By names in small letters.
    fields: dict
    body: bytes

    @property
    def messages(self):
        return messages_in(self.items)


class Proxy(web.Server):
    """Passes everything on, and remembers the exchanges in the order of their answers.

    `between(messages, pass_on)` may do something before and after an event is passed on, or give an answer of its own: status, fields, body.
    """

    def __init__(self, upstream, between=lambda _messages, pass_on: pass_on()):
        self.exchanges = []
        proxy = self

        class Handler(web.Handler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.body()
                items = items_in(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                status, fields, content = between(messages_in(items), lambda: self.pass_on(body))
                proxy.exchanges.append(Exchange(items, status, {name.lower(): value for name, value in fields.items()}, content))
                self.answer(status, fields, content)

            def pass_on(self, body):
                connection = http.client.HTTPConnection(upstream, timeout=30)
                passed = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "transfer-encoding", "content-length", "connection")}
                connection.request("POST", self.path, body, passed)
                answer = connection.getresponse()
                content = answer.read()
                return answer.status, {name: value for name, value in answer.getheaders() if name.lower() not in ("content-length", "transfer-encoding", "connection", "date")}, content

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

    def dsn(self, dsn):
        """The same DSN, but for its host."""
        parts = urlsplit(dsn)
        return parts._replace(netloc=f"{parts.username}@{self.address}").geturl()

    @property
    def events(self):
        """The message of each event that came, and how it was answered."""
        return [(message, exchange.status) for exchange in self.exchanges for message in exchange.messages]

    @property
    def discarded(self):
        """What the SDK says that it dropped: how many by category and reason."""
        found = {}
        for kind, payload in (item for exchange in self.exchanges for item in exchange.items):
            for entry in payload["discarded_events"] if kind == "client_report" else []:
                key = entry["category"], entry["reason"]
                found[key] = found.get(key, 0) + entry["quantity"]
        return found


def items_in(envelope):
    """Kind and payload of each item; SDKs write each payload on one line."""
    lines = [json.loads(line) for line in envelope.splitlines() if line][1:]
    return [(header["type"], payload) for header, payload in zip(lines[::2], lines[1::2])]


def messages_in(items):
    return [payload["message"] for kind, payload in items if kind == "event" and "message" in payload]
