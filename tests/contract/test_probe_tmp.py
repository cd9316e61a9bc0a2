import json
import pytest
from django.core.cache import cache

pytestmark = pytest.mark.django_db

@pytest.fixture(autouse=True)
def _c(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

def show(name, r):
    print("##", name, r.status_code, r.content[:300])

def test_probe(client, artist, toon, device, submit):
    client.raise_request_exception = False
    url = "/api/anime/generate"
    ok = {"type": "image", "prompt": "test", "quality": "low"}
    P = lambda b, **k: client.post(url, b, content_type=k.pop("content_type", "application/json"), **k)
    show("ok", P(json.dumps(ok)))
    for name, b in {
        "broken": "{", "list": "[]", "null": "null", "string": '"x"', "number": "3", "empty": "", "dup": '{"type":"image","type":"video","prompt":"x"}',
        "deep": "[" * 200000, "deepobj": '{"a":' * 100000, "nan": '{"type":"image","prompt":"x","guidance":NaN}', "inf": '{"type":"image","prompt":"x","guidance":1e999}',
        "finf": '{"type":"image","prompt":"x","finish_within":-Infinity}',
        "hugeint": '{"type":"image","prompt":"x","seed":' + "9" * 5000 + "}", "bigint": '{"type":"image","prompt":"x","seed":' + "9" * 400 + "}",
        "guidbig": '{"type":"image","prompt":"x","guidance":' + "9" * 400 + "}",
        "surrogate": '{"type":"image","prompt":"\\ud800"}', "surrkey": '{"type":"image","prompt":"x","\\ud800":1}',
        "nul": '{"type":"image","prompt":"a\\u0000b"}', "nulslug": '{"type":"image","prompt":"x", "character":"a\\u0000b"}',
        "bool": '{"type":"image","prompt":"x","width":true}', "floatw": '{"type":"image","prompt":"x","width":256.0}',
        "boolg": '{"type":"image","prompt":"x","guidance":true}',
        "model": '{"type":"image","prompt":"x","model":"nope"}', "shot": '{"type":"image","prompt":"x","shot":"nope"}',
        "frames": '{"type":"image","prompt":"x","frames":16}', "video": '{"type":"video","prompt":"x"}',
        "bom": b"\xef\xbb\xbf" + json.dumps(ok).encode(), "utf16": json.dumps(ok).encode("utf-16"), "invutf8": b'{"type":"image","prompt":"\xff"}',
        "mb": json.dumps({**ok, "prompt": "x" * 5_000_000}), "mb09": json.dumps({**ok, "prompt": "x" * 900_000}),
        "spaces": '{"type":"image","prompt":"   "}',
        "w7": '{"type":"image","prompt":"x","width":130}', "w8": '{"type":"image","prompt":"x","width":64}', "unk": '{"type":"image","prompt":"x","foo":1}',
        "seed": '{"type":"image","prompt":"x","seed":-1}', "prio": '{"type":"image","prompt":"x","priority":1}',
        "noprompt": '{"type":"image"}', "stepslot": '{"type":"image","prompt":"x","steps":151}',
        "slugnum": '{"type":"image","prompt":"x","style":5}',
        "longslug": json.dumps({**ok, "style": "x"*51}),
    }.items():
        show(name, P(b))
    show("text", P(json.dumps(ok), content_type="text/plain"))
    show("form", client.post(url, ok))
    show("nocharset", P(json.dumps(ok), content_type="application/json; charset=utf-8"))
    show("latin", client.generic("POST", url, json.dumps(ok), content_type="application/json; charset=nonsense"))
    show("json+", P(json.dumps(ok), content_type="application/ld+json"))
    show("put", client.put(url, json.dumps(ok), content_type="application/json"))
    show("est", client.get("/api/anime/estimate", {**ok, "width": 256, "guidance": "4", "finish_within": "3.5"}))
    show("est2", client.get("/api/anime/estimate", {**ok, "width": "abc"}))
    show("est3", client.get("/api/anime/estimate", {"prompt": "x", "foo": "1"}))
    show("origin", P(json.dumps(ok), HTTP_ORIGIN="http://["))
    show("origin2", P(json.dumps(ok), HTTP_ORIGIN="null"))
    show("origin3", P(json.dumps(ok), HTTP_ORIGIN="http://evil.example"))
    show("origin4", P(json.dumps(ok), HTTP_ORIGIN="http://127.0.0.1:9"))
    show("origin5", P(json.dumps(ok), HTTP_ORIGIN="http://localhost:abc"))
    show("host", P(json.dumps(ok), HTTP_HOST="evil.example"))
    show("hostbad", P(json.dumps(ok), HTTP_HOST="[::1"))
    show("list", client.get("/api/anime/jobs"))
    show("listbad", client.get("/api/anime/jobs", {"status": "nope"}))
    show("page0", client.get("/api/anime/jobs", {"page": "0"}))
    show("page9", client.get("/api/anime/jobs", {"page": "9"}))
    show("pagex", client.get("/api/anime/jobs", {"page": "x"}))
    show("projx", client.get("/api/anime/jobs", {"project": "x\x00"}))
    show("foo", client.get("/api/anime/jobs", {"foo": "x"}))
    show("mal", client.get("/api/anime/jobs/123"))
    show("unk", client.get("/api/anime/jobs/00000000-0000-0000-0000-000000000000"))
    show("docs", client.get("/api/docs"))
    show("openapi", client.get("/api/openapi.json"))
    show("queue", client.get("/api/anime/queue"))
    show("wrongtok", client.get("/api/anime/queue", HTTP_AUTHORIZATION="Bearer x"))
    show("basic", client.get("/api/anime/queue", HTTP_AUTHORIZATION="Basic x"))
    show("emptyauth", client.get("/api/anime/queue", HTTP_AUTHORIZATION=""))
    show("opt", client.options(url))
