"""How soon a mail is there, in real time, and what its headers are as an SMTP server gets them."""
import re
import time
import uuid
from email.utils import parsedate_to_datetime

import hostile
from cases import has
from mailbox import link_in, text_of
from vedette import EMAIL

# From the 200 of an event that makes a new issue to the mail handed over.
SOON = 5.0
HEADERS = ["from", "to", "subject", "date", "message-id", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type"]


def event():
    """A new issue whose words would like to be headers."""
    injected = "late <img src=https://evil.example/y.png>\r\nBcc: eve@example.test\r\n\r\n<img src=https://evil.example/x.png>"
    frame = {"filename": "clock.py", "module": "clock", "function": "strike", "lineno": 12, "in_app": True}
    exception = {"type": "Overdue", "value": injected, "stacktrace": {"frames": [frame]}}
    return {"event_id": uuid.uuid4().hex, "platform": "python", "release": "clock@1\r\nX-Evil: 1", "exception": {"values": [exception]}}


def mail_time_cases(cases, vedette, mailbox):
    mail = None
    with cases.case(f"the mail about a new issue is handed over within {SOON:.0f} s"):
        dsn = vedette.new_project("clock", "python")
        hostile.send(dsn, event())
        sent = time.monotonic()
        mail = mailbox.wait_for(["clock", "Overdue"])
        took = mail.arrived - sent
        print(f"       (handed over {took:.2f} s after the 200)")
        assert took <= SOON, f"it took {took:.1f} s"
    if mail is None:
        return
    with cases.case("its headers are each there once, valid, and all ours"):
        assert mail.recipients == [EMAIL], mail.recipients
        for name in HEADERS:
            assert len(mail.get_all(name, [])) == 1, f"{name}: {mail.get_all(name)}"
        for name in ["bcc", "cc", "x-evil"]:
            assert mail[name] is None, f"{name}: {mail[name]}"
        assert re.fullmatch(r"<[0-9a-f]{32}@[^<>\s]+>", mail["message-id"]), mail["message-id"]
        assert abs(parsedate_to_datetime(mail["date"]).timestamp() - time.time()) < 60, mail["date"]
        assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert re.fullmatch(r"<http://\S+/mail-links/stop\.\S+>", mail["list-unsubscribe"]), mail["list-unsubscribe"]
        assert not mail.defects, mail.defects
        # As it came: `email` unfolds and decodes what clients must read as it stands.
        head = mail.raw.partition(b"\r\n\r\n")[0].decode("ascii")
        assert re.search(r"^List-Unsubscribe:\s+<http://\S+>\r$", head, re.M), head
        assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 998
    with cases.case("it is text and HTML, both lead to the issue, and nothing is loaded"):
        assert mail.get_content_type() == "multipart/alternative", mail.get_content_type()
        has(text_of(mail, "plain"), "Overdue", "clock.py:12")
        html = text_of(mail, "html")
        has(html, "Overdue", "&#60;img")
        for live in ["<img", "<script", "<link", "src=\"", "url(", "@import"]:
            assert live not in html, live
        link_in(mail)
