"""A mail server that keeps what it got."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller


class Mailbox:
    """``got``: envelopes. ``answers``: what the server says to each command instead of taking it."""

    def __init__(self) -> None:
        self.got, self.answers, self.url = [], {}, f"smtp://127.0.0.1:{free_port()}"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.got.append(envelope)
        return self.answers.get("DATA", "250 queued as q-7")


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=int(mailbox.url.rpartition(":")[2]))
    controller.start()
    yield mailbox
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
