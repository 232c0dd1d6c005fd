"""A provider of OpenID Connect for tests, run as a process of its own; it insists on PKCE with S256.

Prints its address. What it says of a subject is set with PUT /users/<subject>.
"""

from __future__ import annotations

import base64
import hashlib
import io
from urllib.parse import parse_qs, urlsplit

from oidc_provider_mock import app
from werkzeug.serving import make_server

provider = app()
challenges: dict[str, str] = {}


def one(text: str, name: str) -> str:
    return parse_qs(text).get(name, [""])[0]


def with_pkce(environ, start_response):
    def refuse():
        start_response("400 Bad Request", [("Content-Type", "application/json")])
        return [b'{"error": "invalid_grant"}']

    def noting(status, headers, exc_info=None):
        where = dict(headers).get("Location", "")
        if code := one(urlsplit(where).query, "code"):
            challenges[code] = one(environ["QUERY_STRING"], "code_challenge")
        return start_response(status, headers, exc_info)

    if environ["PATH_INFO"] == "/oauth2/authorize":
        if one(environ["QUERY_STRING"], "code_challenge_method") != "S256":
            return refuse()
        return provider(environ, noting)
    if environ["PATH_INFO"] == "/oauth2/token":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        digest = hashlib.sha256(one(body.decode(), "code_verifier").encode()).digest()
        if challenges.get(one(body.decode(), "code")) != base64.urlsafe_b64encode(digest).decode().rstrip("="):
            return refuse()
    return provider(environ, start_response)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, with_pkce, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
