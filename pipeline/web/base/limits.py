"""How often somebody may try: for each address, and for all together. In memory, in a table that cannot grow without end.

Not in the ledger: an address is a person's, and would stay there and in every backup. What must outlive a restart, the tries of
each link, the ledger counts (`ledger/openings`).

Only a refusal counts, so who types the right date costs nothing, however many share a telephone company's address. When all together
are refused too often, every address has but few tries left: an attack from many addresses is slowed, and who has not erred still enters.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

# A household's or a provider's IPv6 addresses are one: whoever has one has 2^64.
IPV6_PREFIX: Final = 64


@dataclass
class Limits:
    """Refusals in one window of `window_s` seconds: `each` for an address, `few` once all together have had `everybody`."""

    each: int = 30
    few: int = 2
    everybody: int = 1_000
    window_s: float = 600.0
    addresses: int = 50_000
    _window: int = -1
    _all: int = 0
    _spent: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def take(self, address: str, now_s: float) -> bool:
        """Spend a try before anybody looks at the answer; False where none is left. `give_back` it where the answer was right."""
        self._turn(now_s)
        key = _network(address)
        if key is None:
            return True
        spent = self._spent.get(key, 0)
        if spent >= (self.each if self._all < self.everybody else self.few):
            return False
        self._spent[key] = spent + 1
        self._spent.move_to_end(key)
        if len(self._spent) > self.addresses:
            self._spent.popitem(last=False)
        self._all += 1
        return True

    def give_back(self, address: str) -> None:
        """The try was no refusal."""
        key = _network(address)
        if key is not None and self._spent.get(key, 0) > 0:
            self._spent[key] -= 1
            self._all -= 1

    def _turn(self, now_s: float) -> None:
        window = int(now_s // self.window_s)
        if window != self._window:
            self._window, self._all = window, 0
            self._spent.clear()


def _network(address: str) -> str | None:
    """None for nobody's address and for this machine's own: a proxy that does not say for whom it asks is everybody at once, and one who
    guesses must not lock out all others. Links are limited all the same."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback:
        return None
    return str(found if found.version == 4 else ipaddress.ip_network((found, IPV6_PREFIX), strict=False))
