"""The link of a message: a locator, not the key. The page behind it still asks for the birth date."""

from __future__ import annotations

from collections.abc import Callable


def links(result_url: str, token_of: Callable[[str], str]) -> Callable[[str], str]:
    """A function from specimen id to link. The token stands behind '#': a browser never sends it, so no access log holds it."""

    def link_of(specimen_id: str) -> str:
        return f"{result_url}#{token_of(specimen_id)}"

    return link_of
