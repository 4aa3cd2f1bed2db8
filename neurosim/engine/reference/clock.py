"""Moments and alarms: integer time in which the order of events within one quantum is fixed by rank.

Order within a quantum is part of the meaning: first everything that arrives (flits and credits), then each actor
once: update units, egress units, synapse units, routers. SimPy orders events by (time, priority, serial number); rank
is the priority, and no two actors of one rank touch each other's state within a quantum, so the serial number, that
is the accident of who scheduled first, never decides anything.
"""

from __future__ import annotations

from collections.abc import Callable

import simpy

ARRIVE, UPDATE, EGRESS, SYNAPSE, ROUTER = range(5)


class Moment(simpy.Event):
    """Happens ``delay`` quanta from now, in the given rank. `simpy.Timeout` with a choice of priority."""

    def __init__(self, env: simpy.Environment, delay: int, rank: int) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, priority=rank, delay=delay)


def arrive(env: simpy.Environment, delay: int, action: Callable[[], None]) -> None:
    """Do ``action`` in ``delay`` quanta, before any actor acts."""
    Moment(env, delay, ARRIVE).callbacks.append(lambda _: action())


class Alarm:
    """Wakes the one process that waits for it: at most once a quantum, in its rank.

    A ring while nobody waits is lost, so a process looks at the state first and waits only if there is nothing to do.
    """

    def __init__(self, env: simpy.Environment, rank: int) -> None:
        self.env = env
        self.rank = rank
        self.set_for: set[int] = set()
        self.sleeper: simpy.Event | None = None

    def ring(self, delay: int = 0) -> None:
        at = self.env.now + delay
        if at not in self.set_for:
            self.set_for.add(at)
            Moment(self.env, delay, self.rank).callbacks.append(self._fire)

    def wait(self) -> simpy.Event:
        self.sleeper = self.env.event()
        return self.sleeper

    def _fire(self, _: simpy.Event) -> None:
        self.set_for.discard(self.env.now)
        if self.sleeper is not None:
            sleeper, self.sleeper = self.sleeper, None
            sleeper.succeed()
