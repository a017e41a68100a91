"""The addresses that existing set-ups probe."""
import json


def test_health_names_live_services(h):
    for path in ("/health", "/_localstack/health"):
        status, headers, body = h.get(path)
        assert status == 200 and headers["content-type"] == "application/json"
        doc = json.loads(body)
        assert doc["edition"] == "haneul" and doc["version"]
        assert doc["services"]["s3"] == "running"


def test_info_and_init(h):
    assert json.loads(h.get("/_localstack/info")[2])["pid"] == h.proc.pid
    assert "completed" in json.loads(h.get("/_localstack/init")[2])


def test_metrics_are_prometheus_text(h):
    status, headers, body = h.get("/metrics")
    assert status == 200 and b"haneul_http_requests_total" in body


def test_clock_advances(h):
    before = json.loads(h.get("/_haneul/clock")[2])["now_ms"]
    status, _, body = h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 3600000}')
    assert status == 200
    assert json.loads(body)["now_ms"] - before >= 3600000


def test_clock_refuses_nonsense(h):
    for data in (b"", b"{}", b'{"advance_ms": -1}', b'{"speed": -1}', b"not json"):
        assert h.get("/_haneul/clock", method="POST", data=data)[0] == 400


def test_pages_of_other_origins_may_not_change_anything(h):
    status, _, _ = h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 1}',
                         headers={"Origin": "https://example.com"})
    assert status == 403
