#!/usr/bin/env python3
"""Vedette's normalising and scrubbing against Relay's own library, live, on events that real SDKs send.

usage: relay.py BINARY DIR [--min PCT] [--show N]      (script/sdks has filled DIR, which has a Python with sentry-relay too)

Runs the programs of ../sdk against a server that only listens, adds the captured requests beside the repository where they are, and asks
both sides about every event item.

An event counts by the mean of its top-level keys' shares of equal leaves, `errors` and `_meta` apart. Ends with 1 below --min (98).
"""
import argparse
import base64
import collections
import gzip
import ipaddress
import json
import re
import subprocess
import sys
import threading
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sentry_relay.processing import StoreNormalizer, convert_datascrubbing_config, pii_strip_event

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "sdk"), str(HERE.parent / "browser")]

from matrix import go, java, node, python, rust  # noqa: E402

# All but the browser's, which other tests drive.
LANGUAGES = [python, node, rust, go, java]
CAPTURES = HERE.parents[2] / "shared" / "conformance" / "requests"
ADDRESS = "198.51.100.7"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
SCRUB = {"scrubData": True, "scrubDefaults": True, "sensitiveFields": [], "excludeFields": [], "scrubIpAddresses": False}
# What a server makes up itself, and spans, which Vedette ignores on errors.
OURS = {"received", "key_id", "project", "version", "grouping_config", "_metrics", "ingest_path", "spans"}
APART = {"errors", "_meta"}


def decoded(body, coding):
    if coding == "br":
        return None
    if coding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if coding == "deflate" else body


def items(path, body):
    """The event items of a request, as bytes."""
    if path.split("?")[0].rstrip("/").endswith("/store"):
        if body[:1] != b"{":
            body = zlib.decompress(base64.b64decode(body) if re.fullmatch(rb"[A-Za-z0-9+/=\s]+", body) else body)
        return [body]
    found, rest = [], body.partition(b"\n")[2]
    while rest.strip():
        line, _, rest = rest.lstrip(b"\r\n").partition(b"\n")
        header = json.loads(line)
        if isinstance(header.get("length"), int):
            payload, rest = rest[: header["length"]], rest[header["length"] :]
        else:
            payload, _, rest = rest.partition(b"\n")
        if header.get("type") == "event":
            found.append(payload)
    return found


def of_programs(installed):
    """Runs the programs that the end-to-end test runs too; what their SDKs send."""
    requests = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            length = self.headers.get("content-length")
            if length is not None:
                body = self.rfile.read(int(length))
            else:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            requests.append((self.path, decoded(body, self.headers.get("content-encoding"))))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        dsn = f"http://{'a' * 32}@127.0.0.1:{server.server_port}/1"
        for sdk in (sdk for language in LANGUAGES for sdk in language.sdks(installed)):
            for scenario in ["unhandled", "story"]:
                before = len(requests)
                sdk.run(scenario, dsn)
                events = [item for path, body in requests[before:] if body for item in items(path, body)]
                assert events, f"{sdk.title} sent no event ({scenario})"
                for event in events:
                    yield f"{sdk.title}, {scenario}", event
        server.shutdown()


def of_captures():
    if not CAPTURES.is_dir():
        print(f"skipped: the captured requests, because {CAPTURES} is not there")
        return
    for entry in json.loads((CAPTURES / "index.json").read_text())["entries"]:
        if entry["method"] != "POST" or entry["endpoint"] not in ("envelope", "store"):
            continue
        file = CAPTURES / "requests" / entry["file"]
        head = json.loads(Path(f"{file}.json").read_text())
        coding = next((value for name, value in head["headers"] if name.lower() == "content-encoding"), None)
        body = decoded(Path(f"{file}.bin").read_bytes(), coding)
        for event in items(head["target"], body) if body else []:
            yield entry["file"], event


def readable(value):
    """As Relay's parser takes it: lone surrogates become U+FFFD, and U+0000, which Vedette leaves out, is gone."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value).replace("\0", "")
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    return value


def connect(event):
    """The step that the library lacks: who gets the connection's address (protocol.md 8.11)."""
    infer = ((event.get("sdk") or {}).get("settings") or {}).get("infer_ip")
    user = event.get("user") or {}
    environment = (event.get("request") or {}).get("env") or {}
    allowed = ADDRESS if infer in (None, "auto") else None
    if environment.get("REMOTE_ADDR") == "{{auto}}":
        environment["REMOTE_ADDR"] = allowed
    try:
        remote = str(ipaddress.ip_address(environment.get("REMOTE_ADDR") or ""))
    except ValueError:
        remote = None
    sent = user.get("ip_address")
    if event.get("type") == "csp":
        address = ADDRESS
    elif sent == "{{auto}}":
        address = allowed
    elif sent or not allowed:
        address = sent
    else:
        address = remote or (allowed if infer == "auto" or event.get("platform") in ("javascript", "cocoa", "objc") else None)
    if address == sent:
        return
    user["ip_address"] = address
    pairs = [("id", "id"), ("username", "username"), ("email", "email"), ("ip_address", "ip")]
    user["sentry_user"] = next((f"{prefix}:{user[key]}" for key, prefix in pairs if user.get(key)), None)
    event["user"] = user


def relays_answer(event, received):
    normalizer = StoreNormalizer(
        project_id=1, key_id="1", grouping_config={}, protocol_version="7", client_ip=ADDRESS, user_agent=AGENT, client=None,
        received_at=received, max_secs_in_past=30 * 86400, max_secs_in_future=60,
        enable_trimming=True, remove_other=True, normalize_user_agent=True, is_renormalize=False,
    )  # fmt: skip
    answer = normalizer.normalize_event(event)
    connect(answer)
    config = convert_datascrubbing_config(SCRUB)
    return pii_strip_event(config, answer) if config else answer


def our_answer(binary, event, received):
    command = [binary, "explain", "--client-ip", ADDRESS, "--user-agent", AGENT, "--received", received, "--scrub", json.dumps(SCRUB), "-"]
    done = subprocess.run(command, input=json.dumps(event).encode(), capture_output=True, timeout=60)
    assert done.returncode == 0, f"explain ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}"
    return json.loads(done.stdout)["normalized"]


def leaves(value, path=()):
    """Every leaf with its path; absent, null and empty are the same, but in a list every place counts."""
    if value is None or value == {} or value == []:
        if path and isinstance(path[-1], int):
            yield path, None
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif isinstance(value, bool):
        yield path, str(value) + " (boolean)"
    else:
        yield path, round(float(value), 3) if isinstance(value, (int, float)) else value


def by_key(event):
    keys = collections.defaultdict(dict)
    for path, value in leaves(event):
        keys[path[0]][path] = value
    return {key: inner for key, inner in keys.items() if key not in OURS}


def main():
    arguments = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    arguments.add_argument("binary")
    arguments.add_argument("installed", type=Path)
    arguments.add_argument("--min", type=float, default=98.0)
    arguments.add_argument("--show", type=int, default=12)
    chosen = arguments.parse_args()
    received = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def compare(named):
        name, payload = named
        event = readable(json.loads(payload.decode(errors="replace")))
        event.setdefault("event_id", uuid.uuid5(uuid.NAMESPACE_OID, name).hex)
        return name, by_key(relays_answer(event, received)), by_key(our_answer(chosen.binary, event, received))

    inputs = [*of_programs(chosen.installed.resolve()), *of_captures()]
    shares, apart, exact, wrong = [], [], 0, collections.Counter()
    with ThreadPoolExecutor(2) as pool:
        for name, theirs, ours in pool.map(compare, inputs):
            is_exact = True
            for key in theirs.keys() | ours.keys():
                a, b = theirs.get(key, {}), ours.get(key, {})
                paths = a.keys() | b.keys()
                differing = [path for path in paths if a.get(path, "(absent)") != b.get(path, "(absent)")]
                (apart if key in APART else shares).append(1 - len(differing) / len(paths))
                if key not in APART and differing:
                    is_exact = False
                    for path in differing:
                        wrong[f"{'.'.join(map(str, path))}: Relay {str(a.get(path, '(absent)'))[:60]!r}, Vedette {str(b.get(path, '(absent)'))[:60]!r} ({name})"] += 1
            exact += is_exact
    assert inputs and shares, "nothing was compared"
    for line, _ in wrong.most_common(chosen.show):
        print(f"  {line}")
    mean = 100 * sum(shares) / len(shares)
    print(f"errors and _meta: {100 * sum(apart) / len(apart) if apart else 100:.2f} %")
    print(f"relay, live: {mean:.2f} % equal over {len(inputs)} events, {exact} of them exact")
    return 0 if mean >= chosen.min else 1


if __name__ == "__main__":
    sys.exit(main())
