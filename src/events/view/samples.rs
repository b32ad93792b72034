//! Made-up events for page samples: one of each kind of trouble, and one that is hostile in every field.

use serde_json::{Value, json};

use crate::web::page::HOSTILE;

/// A Python exception raised while handling another, with source, locals, breadcrumbs, request, and things filtered.
pub fn python() -> Value {
    let library = |module: &str, function: &str, line: u64| {
        let top = module.split('.').next().unwrap_or_default();
        let path = format!("/usr/lib/python3/site-packages/{}.py", module.replace('.', "/"));
        let path = if top == "middleware" { format!("/srv/shop/{}.py", module.replace('.', "/")) } else { path };
        json!({"module": module, "function": function, "filename": format!("{}.py", module.replace('.', "/")), "abs_path": path, "lineno": line, "in_app": false,
            "context_line": "        response = get_response(request)"})
    };
    let mut frames =
        vec![json!({"module": "shop.wsgi", "filename": "shop/wsgi.py", "function": "application", "lineno": 12, "in_app": true})];
    frames.extend((0..12).map(|n| library("django.core.handlers.exception", "inner", 40 + n)));
    frames.extend((0..2).map(|n| library("middleware.auth", "__call__", 7 + n)));
    frames.push(json!({"module": "checkout.views", "filename": "checkout/views.py", "function": "submit", "lineno": 41, "in_app": true, "context_line": "    charge = gateway.charge_card(order, card)",
        "pre_context": ["    order = Order.from_cart(cart)"], "post_context": ["    return redirect(order)"], "vars": {"cart": "<Cart 7>", "gateway": "<Gateway stripe-eu>", "request": "<WSGIRequest: POST '/checkout'>"}}));
    frames.push(json!({"module": "checkout.payment", "filename": "checkout/payment.py", "abs_path": "/srv/shop/checkout/payment.py", "function": "charge_card", "lineno": 87, "in_app": true,
        "pre_context": ["    def charge_card(self, order, card):", "        # one retry, then the customer decides", "        response = self.client.post(\"/v2/charges\", json=order.to_charge(card), timeout=8)",
            "        if response.status_code >= 500:"],
        "context_line": "            raise PaymentDeclined(f\"card processor answered {response.status_code} for merchant {self.merchant}\")",
        "post_context": ["        return Charge.from_json(response.json())", ""],
        "vars": {"order": {"id": 918_273, "total": "84.20 EUR", "items": [{"sku": "A-1", "n": 2}, {"sku": "B-7", "n": 1}]}, "response": "<Response [503]>", "card": "[Filtered]"}}));
    let cause_frames = json!([{"module": "checkout.client", "filename": "checkout/client.py", "function": "post", "lineno": 31, "in_app": true,
        "context_line": "        response.raise_for_status()", "vars": {"url": "https://api.processor.example/v2/charges"}}]);
    json!({
        "event_id": "6f2c91ab0d5e4c3f8a7b6c5d4e3f2a1b", "platform": "python", "level": "error", "timestamp": 1_795_530_667.0, "environment": "production", "release": "1.4.2", "transaction": "/checkout",
        "exception": {"values": [
            {"type": "HTTPStatusError", "value": "503 Service Unavailable", "module": "httpx", "stacktrace": {"frames": cause_frames},
                "mechanism": {"type": "chained", "handled": false, "source": "__context__", "exception_id": 1, "parent_id": 0}},
            {"type": "PaymentDeclined", "value": "card processor answered 503 for merchant 40127", "module": "checkout.errors", "stacktrace": {"frames": frames},
                "mechanism": {"type": "django", "handled": false, "exception_id": 0}}]},
        "breadcrumbs": {"values": [
            {"timestamp": 1_795_530_650.0, "type": "default", "category": "cart", "message": "3 items", "level": "info", "data": {"total": 84.2}},
            {"timestamp": 1_795_530_658.0, "type": "navigation", "category": "navigation", "data": {"from": "/cart", "to": "/checkout"}},
            {"timestamp": 1_795_530_659.0, "type": "query", "category": "query", "message": "SELECT … FROM cart_items WHERE cart_id = %s", "data": {"duration_ms": 2}},
            {"timestamp": 1_795_530_667.0, "type": "http", "category": "httplib", "data": {"method": "POST", "url": "https://api.processor.example/v2/charges", "status_code": 503, "duration": "7.9 s"}},
            {"timestamp": 1_795_530_667.0, "type": "error", "category": "exception", "level": "error", "message": "PaymentDeclined: card processor answered 503"}]},
        "request": {"method": "POST", "url": "https://shop.example/checkout", "query_string": [["step", "pay"], ["token", "[Filtered]"]], "headers": [["Host", "shop.example"], ["User-Agent", "Mozilla/5.0 Chrome/131.0"]],
            "cookies": [["sessionid", "[Filtered]"]], "data": {"order": 918_273, "card": {"number": "[Filtered]", "month": 4}}},
        "user": {"id": "4711", "email": "ana@example.org", "ip_address": "203.0.113.9", "geo": {"city": "Zagreb", "country_code": "HR"}, "data": {"plan": "pro"}},
        "tags": [["browser", "Chrome 131"], ["server_name", "api-2"], ["payment.provider", "stripe-eu"], ["docs", "https://wiki.example/payments"]],
        "contexts": {"browser": {"name": "Chrome", "version": "131.0", "browser": "Chrome 131.0", "type": "browser"}, "os": {"name": "Linux", "version": "6.1", "type": "os"},
            "device": {"model": "server", "memory_size": 8_345_000_000_u64, "type": "device"}, "trace": {"trace_id": "0f5fc8a9628f4bffafc8deede8d731cd", "op": "http.server", "type": "trace"}},
        "extra": {"retries": 1, "payload": {"nested": {"list": [1, 2, 3]}}}, "modules": {"django": "5.1.4", "httpx": "0.28.1"},
        "sdk": {"name": "sentry.python.django", "version": "2.20.0", "integrations": ["django", "logging"], "packages": [{"name": "pypi:sentry-sdk", "version": "2.20.0"}]},
        "_meta": {"exception": {"values": {"1": {"stacktrace": {"frames": {"16": {"vars": {"card": {"": {"rem": [["@creditcard:filter", "s", 0, 10]], "len": 19}}}}}}}}},
            "request": {"data": {"card": {"number": {"": {"rem": [["@creditcard:filter", "s", 0, 10]]}}}}}, "extra": {"payload": {"": {"len": 40000}}}}
    })
}

/// A log message without exception or stack.
pub fn message() -> Value {
    json!({"event_id": "00000000000000000000000000000001", "platform": "node", "level": "warning", "timestamp": 1_795_529_000, "logentry": {"formatted": "Slow checkout: took 7.2 s, budget 3 s"}, "tags": [["region", "eu"]]})
}

/// A browser's report about a blocked script.
pub fn csp() -> Value {
    json!({"event_id": "00000000000000000000000000000002", "platform": "other", "type": "csp", "level": "error", "timestamp": 1_795_529_500, "logger": "csp",
        "logentry": {"formatted": "Blocked 'script' from 'cdn.evil.example'"}, "culprit": "script-src 'self'", "release": "web@2.9.0",
        "request": {"url": "https://shop.example/cart", "headers": [["Referer", "https://shop.example/"], ["User-Agent", "Mozilla/5.0 Chrome/131.0"]]},
        "csp": {"effective_directive": "script-src", "violated_directive": "script-src 'self'", "blocked_uri": "https://cdn.evil.example/x.js", "document_uri": "https://shop.example/cart",
            "original_policy": "default-src 'self'; script-src 'self'", "disposition": "enforce", "status_code": 200, "line_number": 14, "column_number": 3, "source_file": "https://shop.example/app.js"}})
}

/// A JavaScript exception group whose frames are all a library's.
pub fn group() -> Value {
    let frames: Vec<Value> =
        (1..31).map(|line| json!({"filename": "node_modules/react-dom/cjs/react-dom.js", "lineno": line, "function": "commit"})).collect();
    json!({"platform": "javascript", "event_id": "aa", "timestamp": 1_795_530_000, "exception": {"values": [
        {"type": "RangeError", "value": "two", "mechanism": {"type": "chained", "exception_id": 2, "parent_id": 0, "source": "errors[1]"}, "stacktrace": {"frames": [{"filename": "/app.js", "lineno": 3, "colno": 7, "function": "two"}]}},
        {"type": "AggregateError", "value": "several failed", "mechanism": {"type": "onunhandledrejection", "handled": false, "exception_id": 0, "is_exception_group": true}, "stacktrace": {"frames": frames}}]}})
}

/// Markup, script and right-to-left marks in every place that a page prints.
pub fn hostile() -> Value {
    let h = HOSTILE;
    let frame = json!({"filename": h, "function": h, "module": h, "abs_path": h, "package": h, "lineno": 3, "in_app": true, "context_line": h, "pre_context": [h], "post_context": [h], "vars": {h: {h: [h, {h: h}]}}});
    let meta = json!({"": {"rem": [[h, "s", 0, 9]], "err": [[h, {"reason": h}]], "val": h, "len": 3}});
    json!({
        "event_id": h, "platform": h, "level": h, "timestamp": 1_795_530_667, "environment": h, "release": h, "transaction": h, "logentry": {"formatted": h},
        "exception": {"values": [{"type": h, "value": h, "module": h, "stacktrace": {"frames": [frame]}, "mechanism": {"type": h, "description": h, "meta": {"signal": {"name": h}}}},
            {"type": h, "value": h, "stacktrace": {"frames": [frame, {"filename": h, "module": h}]}}]},
        "threads": {"values": [{"id": h, "name": h, "state": h, "crashed": true, "stacktrace": {"frames": [frame]}}]},
        "breadcrumbs": {"values": [{"category": h, "type": h, "message": h, "level": h, "data": {h: h}}, {"data": {"url": h, "method": h}}]},
        "request": {"method": h, "url": format!("javascript:{h}"), "query_string": [[h, h]], "headers": [[h, h]], "cookies": [[h, h]], "data": {h: h}, "env": {h: h}, "fragment": h},
        "user": {"id": h, "email": h, "username": h, "data": {h: h}, "geo": {"city": h}}, "tags": [[h, h], ["url", "javascript:alert(1)"]], "contexts": {h: {"type": h, "name": h, h: h}},
        "extra": {h: h}, "modules": {h: h}, "csp": {"blocked_uri": h, "source_file": format!("javascript:{h}"), h: h}, "sdk": {"name": h, "version": h, "integrations": [h], "packages": [{"name": h, "version": h}]},
        "_meta": {"logentry": {"formatted": meta}, "extra": {h: meta}, "request": {"data": {h: meta}}}
    })
}
