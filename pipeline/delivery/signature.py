"""Twilio's request signature: who may report a delivery status.

The URL is built from our own configuration, never from the request: behind a proxy the request names another host, and a forger
would choose it.
"""

from __future__ import annotations

from collections.abc import Mapping

from twilio.request_validator import RequestValidator

HEADER = "X-Twilio-Signature"


def sign(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    """The signature of a POST of `fields` to `url` (with its query), base64 of HMAC-SHA1."""
    return str(RequestValidator(auth_token).compute_signature(url, dict(fields)))


def is_signed(auth_token: str, url: str, fields: Mapping[str, str], signature: str) -> bool:
    """Whether `signature` is Twilio's for this POST. Compared in constant time by Twilio's own validator."""
    return bool(RequestValidator(auth_token).validate(url, dict(fields), signature))
