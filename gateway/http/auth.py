"""Operations: server metadata (RFC 8414), published keys, and the token endpoint (RFC 6749 section 4.4)."""

from __future__ import annotations

from gateway.core.clients import SCOPES
from gateway.core.errors import ProtocolError
from gateway.core.model import Channel
from gateway.http.clients import parse_basic, use_assertion
from gateway.http.jose import FROM_CLIENTS
from gateway.http.render import cached, render
from gateway.http.request import Request
from gateway.http.response import Response

GRANT = "client_credentials"


async def get_authorization_server(request: Request) -> Response:
    """AUT-001."""
    api = request.services.tokens.audience
    return cached(
        {
            "issuer": request.services.public_url,
            "token_endpoint": f"{api}/oauth/token",
            "jwks_uri": f"{api}/oauth/jwks",
            "grant_types_supported": [GRANT],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ],
            "token_endpoint_auth_signing_alg_values_supported": FROM_CLIENTS,
            "scopes_supported": SCOPES,
        }
    )


async def get_jwks(request: Request) -> Response:
    """The public keys, those about to be retired too."""
    return cached(request.services.keys.public)


async def issue_token(request: Request) -> Response:
    """A token for a client that has proved who it is. Raises the errors of RFC 6749 section 5.2."""
    form: dict[str, str] = request.body
    if form["grant_type"] != GRANT:
        raise ProtocolError("unsupported_grant_type", f"The grant type is {GRANT}.")
    channel = await _authenticate(request, form)
    request.exchange.channel = channel.id
    granted = _granted(channel, form.get("scope", ""))
    services = request.services
    token = services.tokens.issue(channel.id, granted, request.call.now, request.exchange.request_id)
    response = render(
        200,
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": services.tokens.life,
            "scope": " ".join(granted),
        },
    )
    response.headers.append((b"cache-control", b"no-store"))
    return response


async def _authenticate(request: Request, form: dict[str, str]) -> Channel:
    """By the one method that the client chose (RFC 6749 section 2.3)."""
    authentication = request.services.authentication
    scheme, _, credentials = request.headers.get(b"authorization", b"").partition(b" ")
    basic = scheme.lower() == b"basic"
    if basic + ("client_secret" in form) + ("client_assertion" in form) > 1:
        raise ProtocolError("invalid_request", "Use one way to authenticate.")
    if "client_assertion" in form:
        channel, assertion = await authentication.by_assertion(form, request.call.now)
        await request.services.writer.run(lambda books: use_assertion(books, assertion))
        return channel
    if basic:
        return await authentication.by_secret(*parse_basic(credentials.strip()), request.call.now)
    if "client_secret" in form:
        return await authentication.by_secret(
            form.get("client_id", ""), form["client_secret"], request.call.now
        )
    raise ProtocolError("invalid_client", "Client authentication is required.")


def _granted(channel: Channel, wished: str) -> list[str]:
    """All of the client's scopes, or those it wishes. Raises ProtocolError `invalid_scope` (AUT-007)."""
    if not wished.strip():
        return list(channel.scopes)
    scopes = list(dict.fromkeys(wished.split()))
    strangers = [scope for scope in scopes if scope not in channel.scopes]
    if strangers:
        raise ProtocolError("invalid_scope", "The client does not have one of the scopes.")
    return scopes
