"""The matrix: real SDKs, each with a small program whose only input that has to do with Vedette is its DSN.

A module per language says which SDKs there are and how each spells things; `expect` says what must come of any program's story.
"""
from concurrent.futures import ThreadPoolExecutor

from matrix import browser_js, go, java, node, python, rust
from matrix.documented import documented
from matrix.expect import story
from matrix.refusals import refusals

LANGUAGES = [python, node, browser_js, rust, go, java]
# Programs mostly wait: for the network, for their own queues.
AT_ONCE = 4


def sdks(installed):
    """Every SDK; `installed` is the folder that script/sdks filled."""
    return [sdk for language in LANGUAGES for sdk in language.sdks(installed)]


def run(cases, server, installed):
    """All of them side by side against the server, its dashboard and its mailbox; returns each with the DSN of its project."""
    vedette, dashboard, _ = server
    ready, every = [], sdks(installed)
    documented(cases, every)
    for sdk in every:
        with cases.case(f"{sdk.title}: is installed, and has a project that was made by command while the server runs"):
            part = sdk.part or sdk.name
            assert (installed / f"{part}.stamp").exists(), f"script/sdks could not make it, see {installed}/{part}.log"
            dsn = vedette.new_project(sdk.project, sdk.kind)
            assert dsn.startswith("http://") and vedette.address in dsn, dsn
            # Nobody gets more than thirty mails an hour: all projects together would make more for their administrator.
            vedette.command("user", "create", f"{sdk.project}@example.test")
            dashboard.post(f"/projects/{sdk.project}/members", {"email": f"{sdk.project}@example.test"})
            ready.append((sdk, dsn))
    # Those that wait most begin.
    work = refusals(cases, [sdk for sdk, _ in ready], server, installed)
    work += [lambda each=each: story(cases, *each, dashboard) for each in ready]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda each: each(), work))
    return ready
