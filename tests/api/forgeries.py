"""What an attacker makes of a result and of the published key."""

import base64
import json

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey


def parts(result):
    """Return the header and the claims of a result."""
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in result.split(".")[:2]]


def encoded(fact):
    """Return a part of a JWS."""
    raw = fact if isinstance(fact, bytes) else json.dumps(fact).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forgeries(result, published):
    """Return what was forged, by the way it was."""
    header, claims = parts(result)
    head, body, signature = result.split(".")
    own = ECKey.generate_key("P-256")
    kid = header["kid"]
    public = json.dumps(published["keys"][0]).encode()

    def signed(header, key, algorithm):
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    return {
        "claims": f"{head}.{encoded(claims | {'sub': '+12025550199'})}.{signature}",
        "audience": f"{head}.{encoded(claims | {'aud': 'rival'})}.{signature}",
        "later": f"{head}.{encoded(claims | {'exp': claims['exp'] + 600})}.{signature}",
        "another-jti": f"{head}.{encoded(claims | {'jti': 'x'})}.{signature}",
        "signature": f"{head}.{body}.{encoded(bytes(64))}",
        "half-signature": f"{head}.{body}.{signature[:40]}",
        "no-signature": f"{head}.{body}.",
        "alg-none": f"{encoded({'alg': 'none', 'kid': kid, 'typ': header['typ']})}.{body}.",
        "alg-NONE": f"{encoded({'alg': 'NoNe', 'kid': kid, 'typ': header['typ']})}.{body}.{signature}",
        "hmac-with-the-public-key": signed(header | {"alg": "HS256"}, OctKey.import_key(public), "HS256"),
        "own-key-known-kid": signed(header, own, "ES256"),
        "own-key-unknown-kid": signed(header | {"kid": "mine"}, own, "ES256"),
        "own-key-inside": signed(header | {"kid": "mine", "jwk": own.as_dict(private=False)}, own, "ES256"),
        "kid-missing": f"{encoded({'alg': 'ES256', 'typ': header['typ']})}.{body}.{signature}",
        "kid-number": f"{encoded(header | {'kid': 1})}.{body}.{signature}",
        "alg-list": f"{encoded(header | {'alg': ['ES256']})}.{body}.{signature}",
        "another-typ": f"{encoded(header | {'typ': 'JWT'})}.{body}.{signature}",
        "crit": f"{encoded(header | {'crit': ['x'], 'x': 1})}.{body}.{signature}",
        "header-list": f"{encoded([])}.{body}.{signature}",
        "deep": f"{encoded(b'[' * 1200)}.{body}.{signature}",
        "two-parts": f"{head}.{body}",
        "four-parts": f"{result}.x",
        "words": "result",
        "dots": "...",
    }
