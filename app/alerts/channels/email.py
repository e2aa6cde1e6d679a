"""Plain e-mail over SMTP. The message's id is its Message-ID, by which mailboxes can tell a repetition."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from app.alerts.channels.message import Address, Message, NotDelivered, Receipt, Wires

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
"""The form of HTML's ``input type=email``: what people have, without quotes, comments and line breaks."""
PORTS = {"smtp": 587, "smtps": 465}


def send(message: Message, to: Address, wires: Wires) -> Receipt:
    """Raises NotDelivered."""
    content = compose(message, to.target, wires.smtp_from).as_bytes()
    try:
        with _connected(wires) as server:
            _require(server.mail(wires.smtp_from))
            _require(server.rcpt(to.target))
            code, reply = server.data(content)
            _require((code, reply))
            return {"status": code, "reply": reply.decode(errors="replace")[:200]}
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(f"mail server: {error}") from error


def compose(message: Message, to: str, sender: str) -> EmailMessage:
    """Raises ValueError when an address would break out of its header."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = f"[Assay] {' '.join(message.title.split())}"
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join([message.title, "", *message.lines, "", message.about, message.url, ""]))
    return mail


def _connected(wires: Wires) -> smtplib.SMTP:
    parts = urlsplit(wires.smtp_url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise NotDelivered("no mail server is configured: set ASSAY_SMTP_URL")
    port = parts.port or PORTS[parts.scheme]
    tls = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(parts.hostname, port, timeout=wires.seconds, context=tls)
    else:
        server = smtplib.SMTP(parts.hostname, port, timeout=wires.seconds)
    try:
        _prepare(server, parts.scheme == "smtps", tls, parts.username, parts.password)
    except BaseException:
        server.close()
        raise
    return server


def _prepare(
    server: smtplib.SMTP, secure: bool, tls: ssl.SSLContext, user: str | None, password: str | None
) -> None:
    """Greet; speak TLS where the server can, and say no password where it cannot."""
    server.ehlo_or_helo_if_needed()
    if not secure and server.has_extn("starttls"):
        server.starttls(context=tls)
        server.ehlo()
        secure = True
    if user:
        if not secure:
            raise NotDelivered("mail server: it does not offer TLS, so the password is not sent")
        server.login(unquote(user), unquote(password or ""))


def _require(answer: tuple[int, bytes]) -> None:
    """5xx is the server's last word on this message."""
    code, reply = answer
    if code >= 400:
        raise NotDelivered(f"mail server: {code} {reply.decode(errors='replace')[:200]}", permanent=code >= 500)
