"""A bare HTTP client for tests that count, kill or misbehave: no retries, no hidden connections.

The well-known key `test` takes any signature, so that nothing is computed for each request.
"""
import http.client
import socket
import time
import xml.etree.ElementTree as ET
from urllib.parse import quote

AUTH = ("AWS4-HMAC-SHA256 Credential=test/%s/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64)


class Broken(Exception):
    """The connection ended before the whole answer was there: nobody knows what the server did."""


def auth_headers():
    now = time.gmtime()
    return {"Authorization": AUTH % time.strftime("%Y%m%d", now), "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", now),
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}


class Wire:
    """One keep-alive connection."""

    def __init__(self, port, timeout=30):
        self.port, self.timeout, self.conn = port, timeout, None

    def call(self, method, path, body=None, headers=None, anonymous=False):
        """(status, headers, body); Broken when the answer did not come."""
        all_headers = {} if anonymous else auth_headers()
        all_headers.update(headers or {})
        if body is None and method in ("PUT", "POST"):
            body = b""
        try:
            if not self.conn:
                self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
                self.conn.connect()
                self.conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.conn.request(method, quote(path, safe="/?&=%~-._"), body, all_headers)
            reply = self.conn.getresponse()
            data = reply.read()
            return reply.status, reply.headers, data
        except (OSError, http.client.HTTPException) as e:
            self.close()
            raise Broken(f"{method} {path}: {e!r}")

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn = None


def xml(data):
    """The parsed document without its name space."""
    root = ET.fromstring(data)
    for e in root.iter():
        e.tag = e.tag.rsplit("}", 1)[-1]
    return root


def code_of(data):
    """The <Code> of an error document, or its beginning when it is none."""
    try:
        return xml(data).findtext("Code") or data[:200]
    except ET.ParseError:
        return data[:200]
