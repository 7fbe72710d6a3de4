"""Tube codes of our own, with their ISO 7064 MOD 37,36 check character, and how hands write them."""

from __future__ import annotations

from random import Random

from stdnum.iso7064 import mod_37_36


class Codes:
    """Makes tube codes of one prefix, counting up."""

    def __init__(self, prefix: str, first: int) -> None:
        self._prefix = prefix
        self._next = first

    def one(self) -> str:
        body = f"{self._prefix}{self._next:06d}"
        self._next += 1
        return body + mod_37_36.calc_check_digit(body)


def with_wrong_check(code: str) -> str:
    """The same code with the check character after the right one."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return code[:-1] + alphabet[(alphabet.index(code[-1]) + 1) % 36]


def as_typed(code: str, random: Random) -> str:
    """A lab's typist: other case, spaces, dashes. The code is the same one."""
    return random.choice((code, code, code, code.lower(), f"{code[:3]}-{code[3:]}", f" {code[:3]} {code[3:6]} {code[6:]}"))
