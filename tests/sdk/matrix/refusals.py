"""What real SDKs do when Vedette does not take an event: at a limit they wait and report what they drop, whatever else is refused is lost alone, nothing comes twice.

429, 413 and 403 are Vedette's own, for a limit, a size and a key that a person sets or switches; 500 and 503, which it has no use for, are a proxy's.
"""
import json
import urllib.error
import urllib.request

from cases import eventually, has
from mailbox import text_of
from matrix.browser_js import visit
from matrix.expect import BACKED_OFF
from matrix.proxy import Proxy
from vedette import EMAIL

# Of ten a minute one is free again after six seconds; the programs' scenario `limited` waits a second more. It knows the ten.
LIMIT = 10
WAIT = 6
ORDERS = [f"order {number}" for number in range(1, 16)]
MONDAY, TUESDAY, WEDNESDAY = DELIVERIES = [f"delivery of {day}" for day in ["monday", "tuesday", "wednesday"]]
ANSWERED, UNREACHABLE = "The server answered with an error", "The server could not be reached"
# What each SDK then says that it dropped, and why. Node.js reports nothing but a 413; to Python all but that is the network's fault.
REPORTED = {
    "python-2": {403: ("1", UNREACHABLE), 413: ("1", ANSWERED), 500: ("1", UNREACHABLE), 503: ("1", UNREACHABLE)},
    "node-11": {403: ("0", ""), 413: ("1", ANSWERED), 500: ("0", ""), 503: ("0", "")},
}
# Items by what Stats calls them; of sessions Node.js has one of its own before, whose answer says that they are not kept.
KINDS = {"transaction": "transaction", "span": "span", "session": "session", "monitor": "check_in"}


def refusals(cases, sdks, server, installed):
    """Each refusal with each SDK that is looked at here, as calls that may run side by side. `server`: the server, its dashboard, its mailbox."""
    sdks = [sdk for sdk in sdks if sdk.name in REPORTED]
    work = [lambda sdk=sdk: limited(cases, sdk, *server) for sdk in sdks]
    work += [lambda: foreign_page(cases, *server[:2], installed)]
    work += [lambda sdk=sdk, each=each: each(cases, sdk, *server[:2]) for each in [too_large, switched_off] for sdk in sdks]
    return work + [lambda sdk=sdk, status=status: broken(cases, sdk, status, *server[:2]) for sdk in sdks for status in [500, 503]]


def limited(cases, sdk, vedette, dashboard, mailbox):
    project = f"{sdk.project}-429"
    proxy = None
    with cases.case(f"{sdk.title}: at a limit the answer says how long it lasts, and only the other kinds go on until then"):
        dsn = vedette.new_project(project, sdk.kind)
        dashboard.submit(f"/projects/{project}/settings/limits", events_minute=str(LIMIT))
        with Proxy(vedette.address) as proxy:
            sdk.run("limited", proxy.dsn(dsn))
        taken, (refused, *_), last = ORDERS[:LIMIT], ORDERS[LIMIT:], ORDERS[-1]
        assert proxy.events == [*((order, 200) for order in taken), (refused, 429), (last, 200)], proxy.events
        look_at_answers(sdk, proxy, refused, last)
    if not proxy:
        return
    dropped = len(ORDERS) - LIMIT - 2
    with cases.case(f"{sdk.title}: what it did not send because of the limit is in its client report, and Stats tells it from what was refused"):
        of_errors = {key: quantity for key, quantity in proxy.discarded.items() if key[0] in ("error", "default")}
        assert of_errors == {("error", "ratelimit_backoff"): dropped}, proxy.discarded
        reason = "The project's limit on events per minute was reached"
        ends(dashboard, project, stored=(LIMIT + 1, ""), rate_limited=(1, reason), discarded=(dropped, BACKED_OFF))
        eventually(lambda: others_are_counted(sdk, dashboard.stats(project)))
    with cases.case(f"{sdk.title}: a banner and one mail say that the limit was reached, and one that it has ended"):
        told(project, vedette, dashboard, mailbox)


def look_at_answers(sdk, proxy, refused, last):
    """The refusal as protocol.md section 6 says, and what went between it and the next event that was taken."""
    at = next(number for number, exchange in enumerate(proxy.exchanges) if refused in exchange.messages)
    end = next(number for number, exchange in enumerate(proxy.exchanges) if last in exchange.messages)
    refusal, between = proxy.exchanges[at], proxy.exchanges[at + 1:end]
    wait = int(refusal.fields["retry-after"])
    assert 1 <= wait <= WAIT, refusal.fields
    assert refusal.fields["x-sentry-rate-limits"] == f"{wait}:error;default;security:project:project_events_minute", refusal.fields
    has(json.loads(refusal.body)["detail"], "limit")
    assert all("x-sentry-rate-limits" not in exchange.fields for exchange in proxy.exchanges[:at] if exchange.messages), "there was no limit before"
    went = {kind for exchange in between for kind, _ in exchange.items if exchange.status == 200}
    for category in further(sdk):
        assert any(kind.startswith(KINDS[category]) for kind in went), f"no {KINDS[category]} went while errors were limited: {went}"
    assert "client_report" in went, went
    # Whatever comes meanwhile is told all limits.
    meanwhile = [exchange.fields.get("x-sentry-rate-limits", "") for exchange in between if ("check_in" in dict(exchange.items))]
    assert meanwhile and all(":error;default;security:project:project_events_minute" in fields for fields in meanwhile), meanwhile


def further(sdk):
    """How many of each other category the program sends while errors are limited."""
    return {category: sdk.not_kept[category][0] for category in KINDS.keys() & sdk.not_kept.keys() if sdk.not_kept[category][0]}


def others_are_counted(sdk, stats):
    for category, arrived in further(sdk).items():
        count, _ = stats.get((category, "unsupported"), ("0", ""))
        assert count == str(arrived), f"{category}: {arrived} wanted: {stats}"
        assert (category, "discarded") not in stats, f"{category}: {stats}"


def told(project, vedette, dashboard, mailbox):
    reached = mailbox.wait_for([project, "Limit reached: The project's limit on events per minute"])
    assert reached.recipients == [EMAIL], reached.recipients
    lines = text_of(reached, "plain").splitlines()
    assert f"Project: {project}" in lines and f"Limit: {LIMIT}" in lines and f"{vedette.url}/projects/{project}/settings/limits" in lines, lines
    page = dashboard.page(f"/projects/{project}/stats")
    has(page.text("[data-test=limited]"), "A limit of this project was reached", "1 item was dropped so far")
    dashboard.submit(f"/projects/{project}/settings/limits", events_minute="")
    ended = mailbox.wait_for([project, "Limit ended: The project's limit on events per minute"])
    assert "Dropped: 1" in (lines := text_of(ended, "plain").splitlines()), lines
    assert not dashboard.page(f"/projects/{project}/stats").all("[data-test=limited]"), "the banner is still there"
    about = [mail["subject"] for mail in mailbox.mails if f"[{project}]" in mail["subject"] and "Limit" in mail["subject"]]
    assert len(about) == 2, about


def too_large(cases, sdk, vedette, dashboard):
    with cases.case(f"{sdk.title}: of an event that is too large the server says so, and only that one is lost"):
        project = f"{sdk.project}-413"
        with Proxy(vedette.address) as proxy:
            sdk.run("oversized", proxy.dsn(vedette.new_project(project, sdk.kind)))
        assert proxy.events == [(MONDAY, 200), (TUESDAY, 413), (WEDNESDAY, 200)], proxy.events
        [refusal] = [exchange for exchange in proxy.exchanges if exchange.status == 413]
        has(json.loads(refusal.body)["detail"], "envelope exceeded size limits for type 'event'")
        ends(dashboard, project, stored=(2, ""), invalid=(1, "Too large: event"), discarded=REPORTED[sdk.name][413])


def switched_off(cases, sdk, vedette, dashboard):
    """A person switches the key off while the program runs, and on again."""
    with cases.case(f"{sdk.title}: while its key is off nothing is taken, and the project's requests say why"):
        project = f"{sdk.project}-403"
        dsn = vedette.new_project(project, sdk.kind)

        def between(messages, pass_on):
            if TUESDAY not in messages:
                return pass_on()
            switch(dashboard, project, dsn, 403)
            try:
                return pass_on()
            finally:
                switch(dashboard, project, dsn, 200)
        with Proxy(vedette.address, between) as proxy:
            sdk.run("deliveries", proxy.dsn(dsn))
        assert proxy.events == [(MONDAY, 200), (TUESDAY, 403), (WEDNESDAY, 200)], proxy.events
        [refusal] = [exchange for exchange in proxy.exchanges if TUESDAY in exchange.messages]
        has(refusal.fields["x-sentry-error"], "event submission rejected with_reason: ProjectId", "switched off")
        ends(dashboard, project, stored=(2, ""), discarded=REPORTED[sdk.name][403])
        eventually(lambda: has(dashboard.page(f"/projects/{project}/requests").text(), "403", "The key is switched off", sdk.reports_as))


def switch(dashboard, project, dsn, status):
    """Presses the button beside the project's only key, after which the key is answered with this status."""
    page = dashboard.page(f"/projects/{project}/settings")
    form, button = page.one("[data-test=keys] form[action$='/switch']"), page.one("[data-test=keys] button[name=to]")
    dashboard.post(form.get("action"), {"to": button.get("value")})

    def look():
        assert (found := probe(dsn)) == status, f"{found}, not {status}"
    eventually(look)


def probe(dsn):
    """How an envelope without items is answered."""
    key, _, rest = dsn.removeprefix("http://").partition("@")
    address, _, number = rest.partition("/")
    request = urllib.request.Request(f"http://{address}/api/{number}/envelope/?sentry_key={key}", b"{}\n")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def foreign_page(cases, vedette, dashboard, installed):
    with cases.case("Browser: a page outside the key's allowed domains is refused, and taken once its domain is among them"):
        project = "sdk-browser-403"
        dsn = vedette.new_project(project, "browser")
        key = dashboard.page(f"/projects/{project}/settings").one("[data-test=keys] a[href*='/keys/']").get("href")
        dashboard.submit(key, domains="shop.example")
        visit(installed, "unhandled", dsn)
        # Nothing of its requests is read, so nobody knows what was in them.
        eventually(lambda: has(str(dashboard.stats(project)), "From a page outside the allowed domains"))
        eventually(lambda: has(dashboard.page(f"/projects/{project}/requests").text(), "403", "not of the key's allowed domains"))
        dashboard.submit(key, domains="shop.example\nlocalhost")
        visit(installed, "unhandled", dsn)
        # An error and a rejected promise.
        ends(dashboard, project, stored=(2, ""))


def broken(cases, sdk, status, vedette, dashboard):
    with cases.case(f"{sdk.title}: after a {status} only that event is lost, and is not sent again"):
        project = f"{sdk.project}-{status}"
        answer = status, {}, json.dumps({"detail": "refused by a test"}).encode()
        with Proxy(vedette.address, lambda messages, pass_on: answer if TUESDAY in messages else pass_on()) as proxy:
            sdk.run("deliveries", proxy.dsn(vedette.new_project(project, sdk.kind)))
        assert proxy.events == [(MONDAY, 200), (TUESDAY, status), (WEDNESDAY, 200)], proxy.events
        ends(dashboard, project, stored=(2, ""), discarded=REPORTED[sdk.name][status])


def ends(dashboard, project, **wanted):
    """The Stats page shows so many errors at each end, with these words as the reason, and none at any other."""
    def look():
        stats = dashboard.stats(project)
        found = {outcome: count for (category, outcome), (count, _) in stats.items() if category == "error" and count != "0"}
        assert found == {outcome: str(count) for outcome, (count, _) in wanted.items() if str(count) != "0"}, f"{wanted} wanted: {stats}"
        for outcome, (_, words) in wanted.items():
            has(stats.get(("error", outcome), ("", ""))[1], words)
    eventually(look)
