"""What a developer finds in the dashboard after the program of an SDK has told its story."""
from cases import eventually, has
from matrix.sdk import ENVIRONMENT, KEPT, RELEASE

BACKED_OFF = "The SDK waited because this server had said so"


def story(cases, sdk, dsn, dashboard):
    """Runs the program and looks at everything that came of it."""
    for scenario in ["unhandled", "story"]:
        with cases.case(f"{sdk.title}: the program ends as it would without the SDK ({scenario})"):
            sdk.run(scenario, dsn)
    issues = {}
    with cases.case(f"{sdk.title}: each problem is an issue of its own"):
        issues = dashboard.issues(sdk.project, 4 + sdk.attachment + len(sdk.further) + (sdk.security and KEPT["security"]))
    if not issues:
        return
    checks = [
        ("an error that nobody handled: type, message, frames, source, breadcrumb", unhandled),
        ("chained errors: both in order, with tag, user, context and breadcrumb", chained),
        ("a message with its level", message),
        ("a fingerprint of the program's own makes one issue of two errors", grouped),
        ("issues that only this SDK has", further),
        ("an attachment", attachment),
        ("feedback", feedback),
        ("a violated policy that the browser reports", security),
        ("what is not kept is counted, and the SDK stops sending it", not_kept),
    ]
    for words, check in checks:
        if applies(sdk, check):
            with cases.case(f"{sdk.title}: {words}"):
                check(sdk, dashboard, issues)


def applies(sdk, check):
    return {further: sdk.further, attachment: sdk.attachment, feedback: sdk.feedback, security: sdk.security and KEPT["security"], not_kept: sdk.not_kept}.get(check, True)


def exceptions(event):
    return [exception for exception in event["exception"]["values"] if exception]


def frames(exception):
    return [frame for frame in (exception.get("stacktrace") or {}).get("frames", []) if frame]


def crumbs(event):
    return [(crumb.get("category"), crumb.get("message")) for crumb in (event.get("breadcrumbs") or {}).get("values", [])]


def of_this_sdk(sdk, event):
    """What every event of the program must have."""
    assert event["platform"] == sdk.platform, event["platform"]
    assert event["sdk"]["name"] == sdk.reports_as, event["sdk"]
    assert (event["release"], event["environment"]) == (RELEASE, ENVIRONMENT), (event.get("release"), event.get("environment"))


def in_order(wanted, found, what):
    """All of `wanted` stand in `found`, in this order, the last of them last."""
    rest = iter(found)
    missing = [word for word in wanted if not any(word in text for text in rest)]
    assert not missing, f"{what}: {wanted} wanted in this order, there are {found}"
    assert wanted[-1] in found[-1], f"{what}: the last is {found[-1]}"


def unhandled(sdk, dashboard, issues):
    page, event = dashboard.issue(issues, sdk.declined)
    of_this_sdk(sdk, event)
    assert event["level"] == sdk.level, event["level"]
    raised = exceptions(event)[-1]
    has(raised["type"], sdk.declined)
    assert raised["value"] == "card processor answered 503 to 42 EUR", raised["value"]
    if sdk.handled is not None:
        assert raised["mechanism"]["handled"] is sdk.handled, raised["mechanism"]
    # The program's own frames are marked as such; the last is where it happened.
    own = [frame for frame in frames(raised) if frame.get("in_app")]
    in_order(sdk.functions, [frame.get("function") or "" for frame in own], "functions")
    last = own[-1]
    assert last["lineno"] > 0, last
    has(str(last.get("abs_path") or "") + " " + str(last.get("filename") or ""), sdk.file)
    has(last.get("context_line") or "", sdk.source)
    if sdk.variable:
        assert "3" in str(last["vars"][sdk.variable]), last.get("vars")
    assert (sdk.categories[0], "cart was validated") in crumbs(event), crumbs(event)
    # The same on the page.
    has(page.text("[data-test=title]"), sdk.declined)
    has(page.text("[data-test=stack]"), "card processor answered 503 to 42 EUR", *sdk.functions, sdk.file, sdk.source, sdk.variable)
    has(page.text("[data-test=breadcrumbs]"), "cart was validated")
    has(page.text("[data-test=tags]"), ENVIRONMENT, RELEASE)
    has(page.text("[data-test=sdk]"), sdk.reports_as)
    assert page.text("[data-test=events]") == "1", page.text("[data-test=events]")


def chained(sdk, dashboard, issues):
    page, event = dashboard.issue(issues, "the kettle is not in stock")
    of_this_sdk(sdk, event)
    in_order(sdk.chain, [exception["type"] for exception in exceptions(event)], "chain")
    assert exceptions(event)[-1]["value"] == "the kettle is not in stock", exceptions(event)[-1]
    assert ["shop.region", "alps"] in event["tags"], event["tags"]
    user = event["user"]
    assert (user["id"], user["email"], user["username"]) == ("u-77", "ana@example.test", "ana"), user
    cart = event["extra"] if sdk.data == "extra" else event["contexts"]["cart"]
    # Old clients send how Python would write them.
    assert (str(cart["lines"]), cart["coupon"].strip("'")) == ("2", "SPRING"), cart
    assert (sdk.categories[1], "ana signed in") in crumbs(event), crumbs(event)
    has(page.text("[data-test=stack]"), *sdk.chain, "the kettle is not in stock")
    has(page.text("[data-test=tags]"), "shop.region", "alps")
    has(page.text("[data-test=user]"), "ana@example.test", "u-77")
    has(page.text("main"), "SPRING")
    assert page.text("[data-test=users]") == "1", page.text("[data-test=users]")


def message(sdk, dashboard, issues):
    page, event = dashboard.issue(issues, "the price list is older than a day")
    of_this_sdk(sdk, event)
    assert event["level"] == "warning", event["level"]
    assert event["logentry"]["formatted"] == "the price list is older than a day", event["logentry"]
    assert page.text("[data-test=title]").startswith("the price list"), page.text("[data-test=title]")
    has(page.text("[data-test=tags]"), "warning")


def grouped(sdk, dashboard, issues):
    page, event = dashboard.issue(issues, "paint is left")
    of_this_sdk(sdk, event)
    assert event["fingerprint"] == ["paint", "used up"], event["fingerprint"]
    assert page.text("[data-test=events]") == "2", page.text("[data-test=events]")
    has(page.text("[data-test=why]").lower(), "fingerprint")


def further(sdk, dashboard, issues):
    for title in sdk.further:
        _, event = dashboard.issue(issues, title)
        of_this_sdk(sdk, event)


def attachment(sdk, dashboard, issues):
    page, event = dashboard.issue(issues, "the invoice was not printed")
    of_this_sdk(sdk, event)
    if not KEPT["attachment"]:
        return refused(dashboard, sdk, "attachment_item", 1)
    has(page.text("[data-test=attachments]"), "invoice.txt")
    [link] = [a.get("href") for a in page.all("[data-test=attachments] a[href]") if "invoice.txt" in a.text_content()]
    assert dashboard.get(link) == b"teapot 40 EUR\n"
    return None


def feedback(sdk, dashboard, issues):
    if not KEPT["feedback"]:
        return refused(dashboard, sdk, "feedback", 1)
    words = ["The printer stays dark", "Ana", "ana@example.test"]
    has(dashboard.page(f"/projects/{sdk.project}/feedback").text(), *words)
    page, _ = dashboard.issue(issues, "the invoice was not printed")
    has(page.text("[data-test=feedback]"), *words[:2])
    dashboard.mails(f"[{sdk.project}] Feedback: {words[0]}", 1)
    return None


def security(sdk, dashboard, issues):
    page, event = dashboard.issue(issues, "pictures.example.test")
    assert (event["release"], event["environment"]) == (RELEASE, ENVIRONMENT), (event.get("release"), event.get("environment"))
    assert "img-src" in event["csp"]["effective_directive"], event["csp"]
    has(page.text(), "img-src", "pictures.example.test")


def refused(dashboard, sdk, category, count):
    def look():
        stats = dashboard.stats(sdk.project)
        assert stats.get((category, "unsupported"), ("0",))[0] == str(count), f"{category}: {stats}"
    eventually(look)


def not_kept(sdk, dashboard, issues):
    def look():
        stats = dashboard.stats(sdk.project)
        assert ("error", "discarded") not in stats, f"the SDK could not deliver: {stats}"
        for category, (arrived, dropped) in sdk.not_kept.items():
            count, _ = stats.get((category, "unsupported"), ("0", ""))
            assert count != "0" if arrived is None else count == str(arrived), f"{category}: {arrived} not kept wanted, there are {count} ({stats})"
            count, why = stats.get((category, "discarded"), ("0", ""))
            assert count != "0" if dropped is None else count == str(dropped), f"{category}: {dropped} discarded wanted, there are {count} ({stats})"
            has(why, *([BACKED_OFF] if dropped != 0 else []))
    eventually(look)
