"""The gate's rules, in front of an application that records what reaches it."""

import asyncio
import json

import httpx
import pytest
from binlocal.gate import Gate

KEY = "LOCAL0123456789ABCDEF"
PORT = 4566
HOST = f"127.0.0.1:{PORT}"
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20261124/us-east-1/s3/aws4_request, Signature=x"}
API = "/_aws/execute-api/0a1b2c3d/"


class Inner:
    """A fake MiniStack that accepts every request."""

    def __init__(self):
        self.paths = []
        self.scope = None

    async def __call__(self, scope, receive, send):
        self.paths.append((scope["path"], scope["raw_path"]))
        self.scope = scope
        cors = [(b"Access-Control-Allow-Origin", b"*"), (b"access-control-expose-headers", b"*"), (b"etag", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": cors})
        await send({"type": "http.response.body", "body": b"inside"})


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def ask(inner):
    gate = Gate(inner, port=PORT, key=KEY, health="/ready")

    def ask(method="GET", path="/", host=HOST, at=HOST, **headers):
        """`at` is the address at which the request arrives."""

        async def once():
            transport = httpx.ASGITransport(app=gate)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{at}") as client:
                named = [(name.replace("_", "-"), value) for name, value in headers.items()]
                return await client.request(method, path, headers=[("Host", host), *named])

        return asyncio.run(once())

    return ask


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"[::1]:{PORT}", f"LocalHost:{PORT}"])
def test_a_signed_request_to_this_machine_passes(ask, inner, host):
    answer = ask("PUT", "/bucket/key?x=1", host, **SIGNED)

    assert (answer.status_code, answer.text) == (200, "inside")
    assert inner.paths == [("/bucket/key", b"/bucket/key")]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        f"127.0.0.1.evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:80",
        f"127.0.0.1:1{PORT}",
        f"127.0.0.2:{PORT}",
        f"user@127.0.0.1:{PORT}",
        f"bucket.localhost:{PORT}",
        f"0.0.0.0:{PORT}",
        f"a.b.execute-api.localhost:{PORT}",
        f"0a1b2c3d.execute-api.localhost.evil.example:{PORT}",
        f"0a1b2c3d.execute-api.localhost:{PORT}, evil.example",
        "",
    ],
)
def test_a_request_to_another_name_or_port_is_refused_even_with_the_key(ask, inner, host):
    answer = ask("GET", "/", host, **SIGNED)

    assert answer.status_code == 403
    assert "127.0.0.1:4566" in answer.text
    assert inner.paths == []


def test_two_hosts_are_refused(inner, ask):
    assert ask("GET", "/ready", HOST, Host="evil.example").status_code == 403
    assert inner.paths == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": f"https://{HOST}"},
        {"Origin": f"http://localhost:{PORT}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": ""},
    ],
)
@pytest.mark.parametrize("path", ["/", "/ready", API])
def test_a_page_of_another_origin_is_refused_even_with_the_key(ask, inner, headers, path):
    answer = ask("GET", path, **headers, **SIGNED)

    assert (answer.status_code, inner.paths) == (403, [])
    assert "another origin" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": f"http://{HOST}"}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}],
)
def test_programs_and_our_own_pages_pass(ask, headers):
    assert ask(**headers, **SIGNED).status_code == 200


def test_a_preflight_request_is_refused(ask, inner):
    answer = ask("OPTIONS", "/", Origin="https://evil.example", Access_Control_Request_Method="PUT")

    assert (answer.status_code, inner.paths) == (403, [])
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", SIGNED),
        (f"/b/k?X-Amz-Credential={KEY}%2F20261124%2Fus-east-1%2Fs3%2Faws4_request", {}),
        ("/", {"Authorization": SIGNED["Authorization"].replace(KEY, "000000000000"), "X_Amz_Security_Token": KEY}),
        (f"/b/k?X-Amz-Credential=000000000000%2F20261124&X-Amz-Security-Token={KEY}", {}),
        (f"/b/k?AWSAccessKeyId={KEY}&Signature=x&Expires=1", {}),
    ],
    ids=["signed", "presigned", "signed with the token", "presigned with the token", "presigned the old way"],
)
def test_the_key_of_the_run_is_accepted_in_each_form(ask, path, headers):
    assert ask("GET", path, **headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/", {"Authorization": SIGNED["Authorization"].replace(KEY, "test")}),
        ("/", {"Authorization": SIGNED["Authorization"].replace(KEY, KEY[:-1])}),
        ("/", {"Authorization": f"AWS {KEY}:signature"}),
        ("/", {"Authorization": f"Basic {KEY}"}),
        ("/?X-Amz-Credential=000000000000%2F20261124", {}),
        ("/?X-Amz-Credential=%C3%84%2F20261124", {}),
        ("/?Credential=" + KEY, {}),
        ("/?AWSAccessKeyId=test", {}),
        ("/", {"X_Amz_Security_Token": ""}),
        ("/ready/", {}),
        ("//ready", {}),
        ("/_ministack/reset", {}),
        ("/_aws/execute-api", {}),
        ("/_aws/execute-api/", {}),
        ("/_aws/execute-api/0a1b2c3d", {}),  # MiniStack would take it for a request to any service
        ("/_aws/execute-api//2015-03-31/functions", {}),
        ("/_aws/lambda-url/0a1b2c3d/", {}),
        ("/restapis/0a1b2c3d/prod/_user_request_/", {}),
        ("/bucket/.well-known/jwks.json", {}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_key_everything_is_refused(ask, inner, method, path, headers):
    answer = ask(method, path, **headers)

    assert (answer.status_code, inner.paths) == (403, [])
    assert "aws.env" in answer.text


def test_the_health_check_needs_no_key_but_allows_only_get(ask):
    assert ask("GET", "/ready").status_code == 200
    assert ask("POST", "/ready").status_code == 403
    assert ask("GET", "/ready", f"evil.example:{PORT}").status_code == 403


def test_an_http_api_needs_no_key(ask, inner):
    assert ask("POST", API + "bins?x=1").status_code == 200
    assert ask("GET", "/us-east-1_Ab12Cd34/.well-known/jwks.json").status_code == 200
    assert ask("PUT", "/us-east-1_Ab12Cd34/.well-known/jwks.json").status_code == 403


FORM = {"Content_Type": "application/x-www-form-urlencoded"}
SIGN_IN = [("GET", "/oauth2/authorize?client_id=1"), ("POST", "/login"), ("POST", "/oauth2/token"), ("GET", "/logout")]


@pytest.mark.parametrize(("method", "path"), SIGN_IN)
def test_people_sign_in_without_the_key(ask, inner, method, path):
    assert ask(method, path, Origin=f"http://{HOST}", **FORM).status_code == 200
    assert ask(method, path, Origin="https://evil.example", **FORM).status_code == 403
    assert ask(method, path, f"evil.example:{PORT}", **FORM).status_code == 403
    assert ask(method, path, at=BRIDGE, **FORM).status_code == 403
    assert ask({"GET": "POST", "POST": "GET"}[method], path, **FORM).status_code == 403
    assert len(inner.paths) == 1


@pytest.mark.parametrize(("method", "path"), SIGN_IN)
def test_signing_in_reaches_no_other_service(ask, inner, method, path):
    """MiniStack also selects a service by the query, the target or the credential, whatever the path is."""
    named = {"X_Amz_Target": "AmazonSQS.CreateQueue", "Authorization": "x", "Cookie": "x"}
    joined = "&" if "?" in path else "?"
    assert ask(method, f"{path}{joined}Action=CreateQueue", **FORM, **named).status_code == 200

    headers = dict(inner.scope["headers"])
    assert headers.keys() <= {b"host", b"content-type", b"content-length"}
    assert (b"Action" in inner.scope["query_string"]) is (method == "GET")  # MiniStack answers these by their path


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-amz-json-1.0"])
def test_signing_in_takes_a_form_only(ask, inner, kind):
    assert ask("POST", "/login", Content_Type=kind).status_code == 403
    assert inner.paths == []


def test_the_sign_in_page_runs_no_scripts_and_may_send_its_form(ask):
    headers = ask("GET", "/oauth2/authorize").headers

    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= {*policy}
    assert headers["referrer-policy"] == "same-origin", "with no-referrer, a form is sent with the origin null"


@pytest.mark.parametrize("path", ["/_ministack/reset", "/2015-03-31/functions", "/a%2Fb"])
def test_the_host_of_an_api_reaches_nothing_but_that_api(ask, inner, path):
    assert ask("POST", path, f"0a1b2c3d.execute-api.localhost:{PORT}").status_code == 200

    ((decoded, raw),) = inner.paths
    assert raw == b"/_aws/execute-api/0a1b2c3d" + path.encode()
    assert decoded == "/_aws/execute-api/0a1b2c3d" + path.replace("%2F", "/")


def test_a_container_passes_with_the_key_alone(ask):
    host = f"host.docker.internal:{PORT}"

    assert ask("GET", "/", host, **SIGNED).status_code == 200
    assert [ask("GET", path, host).status_code for path in ("/", "/ready", API)] == [403] * 3


def test_cors_headers_are_removed(ask):
    for path in ("/", API):
        answer = ask("GET", path, **SIGNED)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["etag"] == "1"


def test_a_stored_page_is_sandboxed_and_an_apis_page_is_not(ask):
    """A presigned URL contains the key, which a script on the stored page could read and use from our own origin."""
    for answer in (ask("GET", "/bucket/evil.html", **SIGNED), ask("GET", "/bucket/evil.html")):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"sandbox", "default-src 'none'"} <= {*policy}, "it loads nothing, which could reveal its URL"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in ask("GET", API).headers


@pytest.mark.parametrize("path", ["/", API])
def test_websockets_are_refused(inner, path):
    gate, expected = Gate(inner, port=PORT, key=KEY, health="/ready"), []

    async def connect():
        async def send(message):
            expected.append(message)

        async def receive():
            return {"type": "websocket.connect"}

        headers = [(b"host", HOST.encode()), (b"authorization", SIGNED["Authorization"].encode())]
        await gate({"type": "websocket", "path": path, "query_string": b"", "headers": headers}, receive, send)

    asyncio.run(connect())

    assert [(message["type"], message["code"]) for message in expected] == [("websocket.close", 1008)]
    assert inner.paths == []


def test_a_denial_is_in_the_callers_protocol(ask):
    as_json = ask("POST", "/", X_Amz_Target="DynamoDB_20120810.ListTables")
    as_xml = ask("GET", "/bucket", Authorization=SIGNED["Authorization"].replace(KEY, "old"))
    as_query = ask("POST", "/", Content_Type="application/x-www-form-urlencoded; charset=utf-8")

    assert json.loads(as_json.text)["__type"] == as_json.headers["x-amzn-errortype"] == "InvalidClientTokenId"
    assert "<Code>InvalidClientTokenId</Code>" in as_xml.text
    assert "<Code>InvalidClientTokenId</Code>" in as_query.text


def test_on_port_80_the_port_can_be_omitted(inner):
    async def status(host):
        transport = httpx.ASGITransport(app=Gate(inner, port=80, key=KEY, health="/ready"))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/ready", headers={"Host": host})).status_code

    hosts = ("127.0.0.1", "127.0.0.1:80", "127.0.0.1:81", "evil.example")
    assert [asyncio.run(status(host)) for host in hosts] == [200, 200, 403, 403]


@pytest.mark.parametrize("path", ["/ready", "/us-east-1_Ab12Cd34/.well-known/jwks.json"])
def test_without_the_key_only_the_path_is_passed_on(ask, inner, path):
    """MiniStack also selects a service by the query, the target or the credential, whatever the path is."""
    ask("GET", path + "?Action=CreateQueue&QueueName=forged", X_Amz_Target="AmazonSQS.CreateQueue", Authorization="x")

    assert inner.scope["query_string"] == b""
    assert dict(inner.scope["headers"]).keys() == {b"host"}


BRIDGE = f"172.17.0.1:{PORT}"


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"host.docker.internal:{PORT}"])
@pytest.mark.parametrize("path", ["/ready", API, "/us-east-1_Pool1/.well-known/jwks.json", "/bucket/key"])
def test_what_arrives_from_a_container_always_needs_the_key(ask, inner, host, path):
    assert ask("GET", path, host, at=BRIDGE).status_code == 403
    assert inner.paths == []

    assert ask("GET", path, host, at=BRIDGE, **SIGNED).status_code == 200


def test_the_host_of_an_api_opens_nothing_to_a_container(ask, inner):
    assert ask("GET", "/x", f"0a1b2c3d.execute-api.localhost:{PORT}", at=BRIDGE).status_code == 403
    assert inner.paths == []
