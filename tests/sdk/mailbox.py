"""A real SMTP server that keeps what it gets."""
import re
import socket
import time
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller


class Mailbox:
    def __init__(self):
        self.mails = []
        # aiosmtpd cannot tell which port it got for 0, so a free one is found first.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=port)
        self.url = f"smtp://127.0.0.1:{port}"

    async def handle_DATA(self, _server, _session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        mail.recipients, mail.arrived, mail.raw = envelope.rcpt_tos, time.monotonic(), envelope.content
        self.mails.append(mail)
        return "250 2.0.0 kept"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    def wait_for(self, words, patience=15):
        """The first mail whose subject has all words."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for mail in list(self.mails):
                if all(word in mail["subject"] for word in words):
                    return mail
            time.sleep(0.05)
        raise AssertionError(f"no mail about {words}; subjects: {[mail['subject'] for mail in self.mails]}")


def text_of(mail, kind):
    part = mail.get_body((kind,))
    assert part is not None, f"the mail has no {kind} part"
    return part.get_content()


def link_in(mail):
    """The address of the issue, which both bodies must have."""
    found = re.search(r"http://\S+/issues/\d+\S*", text_of(mail, "plain"))
    assert found, f"no link in {text_of(mail, 'plain')}"
    assert found.group() in text_of(mail, "html"), "the HTML has another link"
    return found.group()
