"""The link of a message: a locator, not the key. The page behind it still asks for the birth date."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

# Whatever the base was then: the address may have changed since. Before the page was there, the token stood behind "#".
_LINK = re.compile(r"[\w./:%~?=&-]*[/#]([0-9a-f]{32})(?![0-9a-f])")


class Link(NamedTuple):
    whole: str
    token: str


def links(result_url: str, token_of: Callable[[str], str]) -> Callable[[str], str]:
    """A function from specimen id to link. The token stands in the path: what stands behind '#' never reaches a page without JavaScript.

    So nothing of ours writes a path to a log, and the page's own address after the birth date holds no token (`web/result`).
    """

    def link_of(specimen_id: str) -> str:
        return f"{result_url}/{token_of(specimen_id)}"

    return link_of


def link_in(body: str) -> Link | None:
    """The link of a message that somebody wrote with `links`; None where there is none, or two."""
    match list(_LINK.finditer(body)):
        case [found]:
            return Link(found[0], found[1])
        case _:
            return None
