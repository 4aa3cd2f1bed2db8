"""Registers: values that change between cycles, so nothing depends on who acts first within one."""

from __future__ import annotations

import simpy


class Register:
    """A value with its past. What is `set` in cycle c shows from c + 1 on; what is `drive`n shows at once.

    Only lines from outside the chip are driven; they are read through the synchroniser, at least one cycle later.
    """

    def __init__(self, env: simpy.Environment, value: int = 0) -> None:
        self.env = env
        self.changes = [(-1, value)]

    def set(self, value: int) -> None:
        self._from(self.env.now + 1, value)

    def add(self, amount: int) -> None:
        """Add to what is already set for the next cycle."""
        self.set(self.changes[-1][1] + amount)

    def drive(self, value: int) -> None:
        self._from(self.env.now, value)

    def _from(self, cycle: int, value: int) -> None:
        if self.changes[-1][0] == cycle:
            self.changes.pop()
        self.changes.append((cycle, value))

    def at(self, cycle: int) -> int:
        """The value in a cycle; before the first, the value it began with."""
        return next((value for since, value in reversed(self.changes) if since <= cycle), self.changes[0][1])

    @property
    def now(self) -> int:
        return self.at(self.env.now)
