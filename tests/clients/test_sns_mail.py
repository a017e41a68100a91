"""E-mail through a relay, and `haneul mail`."""
import base64
import email
import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from haneul import Haneul, wait_until  # noqa: E402


class Relay(threading.Thread):
    """Just enough of a mail server."""

    def __init__(self, refuse=False):
        super().__init__(daemon=True)
        self.refuse, self.mails = refuse, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                c, _ = self.server.accept()
            except OSError:
                return
            with c, c.makefile("rwb", 0) as f:
                self.talk(f)

    def talk(self, f):
        f.write(b"220 relay\r\n")
        lines, data = [], None
        for line in f:
            line = line.rstrip(b"\r\n")
            if data is not None:
                if line == b".":
                    self.mails.append((lines, b"\r\n".join(data)))
                    data = None
                    f.write(b"250 queued\r\n")
                else:
                    data.append(line)
                continue
            lines.append(line)
            if line.startswith(b"EHLO"):
                f.write(b"250-relay\r\n250 8BITMIME\r\n")
            elif line.startswith(b"RCPT") and self.refuse:
                f.write(b"550 no such mailbox\r\n")
            elif line == b"DATA":
                data = []
                f.write(b"354 go on\r\n")
            elif line == b"QUIT":
                f.write(b"221 bye\r\n")
                return
            else:
                f.write(b"250 ok\r\n")


def outbox(h):
    return json.loads(h.get("/_haneul/mail.json")[2])["messages"]


def test_relay_and_command():
    relay = Relay()
    with Haneul("--smtp-relay", f"127.0.0.1:{relay.port}") as h:
        sns = h.client("sns")
        arn = sns.create_topic(Name="relayed")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="reader@example.com")
        wait_until(lambda: relay.mails, 15, "the mail")
        lines, data = relay.mails[0]
        assert b"RCPT TO:<reader@example.com>" in lines and b"MAIL FROM:<no-reply@sns.amazonaws.com>" in lines
        m = email.message_from_bytes(data)
        link = [w for w in base64.b64decode(m.get_payload()).decode().split() if "ConfirmSubscription" in w][0]
        assert h.get(link[len(h.endpoint):])[0] == 200
        sns.publish(TopicArn=arn, Subject="Größe", Message=".\r\n.ü")
        wait_until(lambda: len(relay.mails) == 2, 15, "the second mail")
        m = email.message_from_bytes(relay.mails[1][1])
        assert str(email.header.make_header(email.header.decode_header(m["Subject"]))) == "Größe"
        assert base64.b64decode(m.get_payload()).decode().startswith(".\r\n.ü")
        wait_until(lambda: [o["relay"] for o in outbox(h)] == ["sent", "sent"], 10, "the mark")
        shown = subprocess.run([h.bin, "mail", "--data", h.data], capture_output=True, text=True, timeout=30)
        assert shown.returncode == 0 and "reader@example.com" in shown.stdout and "Größe" in shown.stdout
        as_json = subprocess.run([h.bin, "mail", "--json", "--data", h.data], capture_output=True, text=True, timeout=30)
        assert len(json.loads(as_json.stdout)["messages"]) == 2
    relay.server.close()


def test_relay_refuses():
    relay = Relay(refuse=True)
    with Haneul("--smtp-relay", f"127.0.0.1:{relay.port}") as h:
        sns = h.client("sns")
        arn = sns.create_topic(Name="refused")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="nobody@example.com")

        def given_up():
            h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 900000}')
            return outbox(h)[0]["relay"].startswith("failed: the relay answered: 550")
        wait_until(given_up, 30, "giving up")
    relay.server.close()


def test_strict_keeps_the_outbox_closed():
    with Haneul("--strict") as h:
        assert h.get("/_haneul/mail")[0] == 403
        shown = subprocess.run([h.bin, "mail", "--data", h.data], capture_output=True, text=True, timeout=30)
        assert shown.returncode == 0 and "Nothing was sent yet." in shown.stdout
