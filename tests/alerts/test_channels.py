"""What the channels send: signed, escaped, and nobody's text becomes a header or a link."""

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.alerts.channels import Address, Message, NotDelivered, Wires, email, slack, webhook
from app.alerts.channels.message import Address as To
from app.outgoing import Client
from tests.alerts.mailbox import free_port, mail_server

HOSTILE = "Bad <http://x|y> & <!channel>\r\nBcc: all@example.com"


def message(**columns):
    columns = {
        "id": "msg_1", "alert_id": 7, "event": "verdict.changed", "severity": "critical", "title": "It turned",
        "lines": ("One.", "Two."), "url": "https://assay.example/alerts", "model": "m", "environment": "production",
        "at": datetime(2026, 1, 2, tzinfo=UTC), "data": {"a": "ä"},
    } | columns  # fmt: skip
    return Message(**columns)


class TestWebhook:
    def test_the_libraries_verifier_agrees(self):
        secret = webhook.new_secret()
        content = webhook.body(message())
        headers = webhook.signed("msg_1", content, secret)
        assert Webhook(secret).verify(content, headers)["data"]["a"] == "ä"
        for wrong in (content + b" ", content.replace(b"One", b"Two")):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(wrong, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(webhook.new_secret()).verify(content, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(content, headers | {"webhook-id": "msg_2"})

    def test_secrets_differ_and_are_long_enough(self):
        assert webhook.new_secret() != webhook.new_secret()
        assert len(Webhook(webhook.new_secret())._whsecret) == 32

    def test_data_of_an_alert_does_not_hide_what_every_message_has(self):
        told = json.loads(webhook.body(message(data={"severity": "info", "x": 1})))["data"]
        assert (told["severity"], told["x"]) == ("critical", 1)


class TestSlack:
    def test_nobodys_text_is_markup(self):
        body = slack.body(message(title=HOSTILE, lines=(HOSTILE,), model="<a>"))
        text = json.dumps(body).replace("<https://assay.example/alerts|open>", "")
        assert "<" not in text
        assert ">" not in text
        assert "&lt;http://x|y&gt; &amp; &lt;!channel&gt;" in body["text"]

    def test_its_form(self):
        body = slack.body(message())
        assert [block["type"] for block in body["blocks"]] == ["section", "section", "context"]
        assert body["blocks"][1]["text"] == {"type": "mrkdwn", "text": "• One.\n• Two."}

    def test_sections_keep_to_slacks_limit(self):
        for lines in (("x" * 100,) * 100, ("x" * 9999,)):
            texts = [one["text"]["text"] for one in slack.body(message(lines=lines))["blocks"][:2]]
            assert max(map(len, texts)) <= 3000
            assert texts[1].endswith("…")

    def test_it_is_sent(self, receiver):
        receiver.verify = False
        wires = Wires(Client(["127.0.0.1"]), "", "", 5)
        assert slack.send(message(), Address(receiver.url), wires)["status"] == 200
        assert json.loads(receiver.bodies[0]) == slack.body(message())


@pytest.fixture
def mailbox():
    with mail_server() as mailbox:
        mailbox.wires = Wires(Client(), mailbox.url, "assay@assay.example", 5)
        yield mailbox


class TestEmail:
    def test_it_arrives_with_a_receipt(self, mailbox):
        receipt = email.send(message(), To("risk@example.com"), mailbox.wires)
        assert receipt == {"status": 250, "reply": "queued as q-7"}
        (envelope,) = mailbox.got
        assert (envelope.mail_from, envelope.rcpt_tos) == ("assay@assay.example", ["risk@example.com"])
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert mail["Message-ID"] == "<msg_1@assay.example>"
        assert (mail["To"], mail["Subject"]) == ("risk@example.com", "[Assay] It turned")
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"].datetime == message().at
        assert mail.get_content().splitlines()[:4] == ["It turned", "", "One.", "Two."]
        assert "https://assay.example/alerts" in mail.get_content()

    def test_a_title_adds_no_header(self):
        mail = message_from_bytes(email.compose(message(title=HOSTILE), "a@b.example", "s@b.example").as_bytes())
        assert mail["Bcc"] is None
        assert "Bcc: all@example.com" in mail["Subject"].replace("\r\n ", " ")

    @pytest.mark.parametrize("address", ["a@b.example\r\nBcc: x@y.z", "a@b.example\nX: y"])
    def test_an_address_adds_no_header(self, address):
        with pytest.raises(ValueError, match="linefeed"):
            email.compose(message(), address, "s@b.example")

    @pytest.mark.parametrize("command", ["RCPT", "DATA"])
    @pytest.mark.parametrize(("answer", "permanent"), [("451 later", False), ("550 never", True)])
    def test_the_servers_no(self, mailbox, command, answer, permanent):
        mailbox.answers[command] = answer
        with pytest.raises(NotDelivered, match=answer) as refused:
            email.send(message(), To("risk@example.com"), mailbox.wires)
        assert refused.value.permanent is permanent

    def test_a_password_is_not_sent_in_the_clear(self, mailbox):
        port = mailbox.wires.smtp_url.rpartition(":")[2]
        wires = Wires(Client(), f"smtp://user:pass@127.0.0.1:{port}", "assay@assay.example", 5)
        with pytest.raises(NotDelivered, match="does not offer TLS"):
            email.send(message(), To("risk@example.com"), wires)
        assert mailbox.got == []

    @pytest.mark.parametrize("url", ["", "http://127.0.0.1", "smtp://"])
    def test_without_a_server_it_waits(self, url):
        with pytest.raises(NotDelivered, match="ASSAY_SMTP_URL") as refused:
            email.send(message(), To("a@b.example"), Wires(Client(), url, "s@b.example", 5))
        assert not refused.value.permanent

    def test_a_server_that_is_down(self):
        with pytest.raises(NotDelivered, match="mail server"):
            email.send(message(), To("a@b.example"), Wires(Client(), f"smtp://127.0.0.1:{free_port()}", "s@b", 1))

    def test_tls_from_the_start(self, mailbox):
        port = mailbox.wires.smtp_url.rpartition(":")[2]
        with pytest.raises(NotDelivered, match="mail server"):
            email.send(message(), To("a@b.example"), Wires(Client(), f"smtps://127.0.0.1:{port}", "s@b", 1))
