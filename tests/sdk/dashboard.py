"""The dashboard as a signed-in person without a browser sees it: pages by HTTP, their text by the marks that tests use."""
import json
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import quote

import lxml.html

from cases import eventually


class Dashboard:
    def __init__(self, url, email, password):
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        form = urllib.parse.urlencode({"email": email, "password": password}).encode()
        answer = self.opener.open(urllib.request.Request(f"{url}/sign-in", form, {"Origin": url}), timeout=30)
        assert not answer.url.endswith("/sign-in"), f"not signed in: {answer.url}"

    def get(self, path):
        try:
            with self.opener.open(urllib.parse.urljoin(self.url, path), timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} answers {error.code}") from error

    def post(self, path, fields=()):
        form = urllib.parse.urlencode(fields).encode()
        try:
            with self.opener.open(urllib.request.Request(urllib.parse.urljoin(self.url, path), form, {"Origin": self.url}), timeout=30) as answer:
                return Page(lxml.html.document_fromstring(answer.read().decode()))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} answers {error.code}") from error

    def submit(self, path, **typed):
        """Types into fields of the form that the page has for itself, saves it, and sees that this was done."""
        form = self.form(path, typed)
        form.fields.update(typed)
        self.post(path, form.form_values())
        # Not by the page's "Saved": cases run side by side in one session, and another's page may have said it.
        kept = self.form(path, typed).fields
        for name, value in typed.items():
            assert (kept[name] or "").split() == value.split(), f"{path} has {kept[name]!r} as {name} after {value!r} was saved"

    def form(self, path, names):
        [form] = [form for form in self.page(path).document.forms if not form.get("action") and set(names) <= set(form.fields.keys())]
        return form

    def page(self, path):
        return Page(lxml.html.document_fromstring(self.get(path).decode()))

    def issues(self, project, wanted, patience=20):
        """The issues of a project, once there are `wanted`, as addresses by title."""
        def look():
            links = self.page(f"/issues?project={project}").all("[data-test=issue] a.t")
            assert len(links) == wanted, f"{wanted} issues wanted in {project}, there are {[link.get('title') for link in links]}"
            return {link.get("title"): link.get("href") for link in links}
        return eventually(look, patience)

    def issue(self, issues, words):
        """The page of the issue whose title has some words, and its newest event as JSON."""
        found = [href for title, href in issues.items() if words in title]
        assert len(found) == 1, f"{len(found)} titles say {words!r}: {list(issues)}"
        page = self.page(found[0])
        return page, json.loads(self.get(page.one("a[href$='/json']").get("href")))

    def stats(self, project):
        """What became of what was sent: `{(category, outcome): (count, reasons)}`, as the page shows it."""
        found = {}
        for kind in self.page(f"/projects/{quote(project)}/stats").all("[data-test^=kind-]"):
            for end in kind.cssselect("div.outcome"):
                count = end.cssselect("p.num b")[0].text_content()
                reasons = [" ".join(reason.text_content().split()) for reason in end.cssselect("ul.reasons li")]
                found[kind.get("data-test").removeprefix("kind-"), end.get("data-test")] = (count, " | ".join(reasons))
        return found

    def mails(self, words, wanted):
        """Addresses of so many mails whose line in the log says `words`, after the page of the log that has the last of them."""
        def look():
            path, found = "/mails", []
            while path:
                page = self.page(path)
                found += [row.cssselect("a[href*='/mails/']")[0].get("href") for row in page.all("[data-test=mail]") if words in row.text_content()]
                if len(found) >= wanted:
                    return [urllib.parse.urljoin(self.url, each) for each in [path, *found[:wanted]]]
                path = next((link.get("href") for link in page.all("a[rel=next]")), None)
            raise AssertionError(f"{wanted} mails about {words} wanted, there are {len(found)}")
        return eventually(look)


class Page:
    def __init__(self, document):
        self.document = document

    def all(self, css):
        return self.document.cssselect(css)

    def one(self, css):
        found = self.all(css)
        assert found, f"the page has no {css}; it is called {self.document.findtext('.//title')!r}"
        return found[0]

    def text(self, css="main"):
        return " ".join(self.one(css).text_content().split())
