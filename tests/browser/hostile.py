"""Events that try to run in the browser of whoever looks at them: every field that a client can send carries markup."""
import json
import secrets
import urllib.request
from urllib.parse import urlsplit

PAYLOADS = [
    "<script>window.__xss='script'</script>",
    "\"><img src=x onerror=\"window.__xss='img'\">",
    "'><svg/onload=window.__xss='svg'>",
    "</pre></textarea></title></style></script><script>window.__xss='end'</script>",
    "<iframe srcdoc=\"<script>parent.__xss='frame'</script>\"></iframe>",
    "{{7*7}}${7*7}<style>*{display:none}</style><a href=\"javascript:window.__xss='link'\">x</a>",
]
ALL = " ".join(PAYLOADS)
LINK = "javascript:window.__xss='href'//"


def markup(n=0):
    """Each payload alone somewhere (lengths differ), all of them in long fields."""
    return PAYLOADS[n % len(PAYLOADS)]


def frame(n):
    return {
        "filename": f"{markup(n)}.py", "abs_path": f"/app/{markup(n + 1)}.py", "function": markup(n + 2), "module": markup(n + 3), "lineno": 3, "colno": 4,
        "package": markup(n), "pre_context": [ALL, markup(n + 1)], "context_line": ALL, "post_context": [markup(n + 2), ALL], "in_app": n % 2 == 0,
        "vars": {markup(n): ALL, "nested": {markup(n + 1): [ALL, {markup(n + 2): markup(n)}]}, "link": LINK},
    }


def exception(n):
    return {
        "type": markup(n), "value": ALL, "module": markup(n + 1), "thread_id": 1,
        "mechanism": {"type": markup(n), "handled": False, "help_link": LINK, "description": ALL, "data": {markup(n): ALL}, "meta": {"signal": {"number": 6, "name": markup(n)}}},
        "stacktrace": {"frames": [frame(i) for i in range(4)], "registers": {"rip": markup(n)}},
    }


def event(platform, **more):
    return {
        "event_id": secrets.token_hex(16), "platform": platform, "level": "error", "logger": markup(0), "transaction": markup(1), "server_name": markup(2),
        "release": "1.0<script>window.__xss='release'</script>", "environment": "<svg onload=window.__xss=1>", "dist": "<b>",
        "exception": {"values": [exception(0), exception(1)]},
        "breadcrumbs": {"values": [
            {"timestamp": 1800000000 + n, "type": markup(n), "category": markup(n + 1), "level": "info", "message": ALL, "data": {markup(n): ALL, "url": LINK}} for n in range(4)
        ] + [{"type": "http", "category": "xhr", "data": {"method": markup(0), "url": LINK, "status_code": markup(1), "reason": ALL}}]},
        "request": {
            "method": markup(0), "url": LINK, "query_string": [[markup(0), ALL], ["q", LINK]], "fragment": markup(1), "cookies": [[markup(1), ALL]],
            "headers": [[markup(2), ALL], ["Referer", LINK], ["User-Agent", ALL], ["X-Forwarded-For", markup(3)]], "env": {markup(0): ALL}, "data": {markup(1): [ALL, LINK]},
        },
        "user": {"id": markup(0), "email": f"{markup(1)}@example.test", "username": ALL, "ip_address": "203.0.113.7", "name": markup(2), "data": {markup(3): ALL}, "geo": {"city": markup(4)}},
        "tags": [[markup(0), markup(1)], ["link", LINK], ["plain", "<img src=x onerror=window.__xss=1>"]],
        "extra": {markup(0): ALL, "link": LINK, "deep": {"a": {"b": {markup(1): [markup(2), ALL]}}}},
        "contexts": {
            "browser": {"type": "browser", "name": markup(0), "version": markup(1)}, "os": {"name": markup(2), "version": markup(3), "kernel_version": ALL},
            "device": {"model": markup(0), "family": markup(1), "name": ALL}, "runtime": {"name": markup(2), "version": markup(3)}, "app": {"app_name": ALL, "app_version": markup(0)},
            "trace": {"trace_id": secrets.token_hex(16), "span_id": secrets.token_hex(8), "op": markup(1), "status": markup(0)},
            markup(4): {"type": markup(0), markup(1): ALL, "link": LINK}, "response": {"status_code": 500, "headers": {markup(0): ALL}},
        },
        "modules": {markup(0): markup(1), "requests": ALL},
        "sdk": {"name": markup(0), "version": markup(1), "integrations": [markup(2), ALL], "packages": [{"name": markup(3), "version": markup(4)}]},
        "threads": {"values": [{"id": markup(0), "name": ALL, "crashed": True, "current": True, "state": markup(1), "stacktrace": {"frames": [frame(9)]}}]},
        "debug_meta": {"images": [{"type": "sourcemap", "code_file": markup(0), "debug_id": markup(1)}]},
        "fingerprint": ["hostile", platform, *more.pop("fingerprint", [])], **more,
    }


def events():
    """Frames in several languages, a message alone, a message with parameters, a security report's fields."""
    for platform in ["python", "javascript", "java", "native", markup(0)]:
        yield event(platform)
    alone = event("other", fingerprint=["message"], logentry={"message": f"%s {ALL}", "params": [ALL], "formatted": f"{ALL} {ALL}"})
    del alone["exception"], alone["threads"]
    yield alone
    title = event("python", fingerprint=["title"], message=ALL)
    title["exception"] = {"values": [{"type": ALL, "value": None}]}
    yield title


def send(dsn, body):
    """One event by the envelope endpoint; returns its id."""
    parts = urlsplit(dsn)
    url = f"{parts.scheme}://{parts.hostname}:{parts.port}/api{parts.path}/envelope/"
    lines = [json.dumps({"event_id": body["event_id"], "dsn": dsn}), json.dumps({"type": "event"}), json.dumps(body)]
    request = urllib.request.Request(url, "\n".join(lines).encode(), {"Content-Type": "application/x-sentry-envelope"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["id"]
