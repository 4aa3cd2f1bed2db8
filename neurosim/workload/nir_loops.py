"""Orders and loops of a small directed graph, without recursion: a hostile file may be one long chain."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable

from neurosim.errors import NeurosimError
from neurosim.workload.nir_file import Graph

Edges = Iterable[tuple[str, str]]


def in_order(names: list[str], graph: Graph | Edges) -> list[str]:
    """``names`` so that every edge among them runs forward; ties keep their order.

    Raises NeurosimError naming the nodes of a loop: in a graph, a loop in which there is no neuron.
    """
    edges = graph.edges if isinstance(graph, Graph) else graph
    place = {name: i for i, name in enumerate(names)}
    waiting = dict.fromkeys(names, 0)
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        if source in place and target in place:
            after[source].append(target)
            waiting[target] += 1
    ready = [place[name] for name in names if not waiting[name]]
    heapq.heapify(ready)
    order = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for target in after[name]:
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(ready, place[target])
    if len(order) < len(names):
        stuck = [name for name in names if waiting[name]]
        raise NeurosimError(
            f"a loop without a neuron, in or before {', '.join(map(repr, stuck[:8]))}; a loop needs a state, so put a "
            "neuron into it"
        )
    return order


def distances(names: list[str], edges: Edges, starts: list[str]) -> dict[str, int]:
    """Fewest edges from ``starts`` to each name; len(names) where there is no way."""
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        after[source].append(target)
    found = dict.fromkeys(names, len(names)) | dict.fromkeys(starts, 0)
    queue = deque(starts)
    while queue:
        name = queue.popleft()
        for target in after[name]:
            if found[target] > found[name] + 1:
                found[target] = found[name] + 1
                queue.append(target)
    return found


def loops(names: list[str], edges: Edges) -> dict[str, int]:
    """A number for each name, equal for two that lie in one loop (strongly connected components)."""
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        after[source].append(target)
        before[target].append(source)
    finished = _finish_order(names, after)
    component: dict[str, int] = {}
    for number, root in enumerate(reversed(finished)):
        stack = [root] if root not in component else []
        while stack:
            name = stack.pop()
            if name not in component:
                component[name] = number
                stack.extend(n for n in before[name] if n not in component)
    return component


def _finish_order(names: list[str], after: dict[str, list[str]]) -> list[str]:
    seen: set[str] = set()
    finished: list[str] = []
    for root in names:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(after[root]))]
        while stack:
            name, targets = stack[-1]
            target = next((t for t in targets if t not in seen), None)
            if target is None:
                finished.append(name)
                stack.pop()
            else:
                seen.add(target)
                stack.append((target, iter(after[target])))
    return finished
