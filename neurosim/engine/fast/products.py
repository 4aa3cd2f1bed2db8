"""Products of two spike populations, from spike to spike: one addition for each pair of spikes that meets.

``neuron`` holds global numbers, ascending within a population and timestep: ``start`` .. ``stop`` is the operand that
leads (query, mask) and ``offset`` its first neuron; ``a`` .. ``b`` and ``base`` are the other one's (key, value).
"""

from __future__ import annotations

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.compile import inner


@inner
def add_and_popcount(sums, marks, q, gain, neuron, start, stop, offset, a, b, base):
    """Both lists run through the channels side by side; a channel adds one to (head, i, j) for each of its pairs."""
    tokens, per_head = q[fp.IN_PIXELS], q[fp.IN_GROUP]
    across, along = q[fp.CHANNEL_STRIDE], q[fp.PIXEL_STRIDE]
    k = start
    while k < stop:
        channel = (neuron[k] - offset) // tokens
        query, key = offset + channel * tokens, base + channel * tokens
        while a < b and neuron[a] < key:
            a += 1
        end = a
        while end < b and neuron[end] < key + tokens:
            end += 1
        head = channel // per_head * across
        while k < stop and neuron[k] < query + tokens:
            row = (neuron[k] - query) * tokens
            for e in range(a, end):
                j = head + (row + neuron[e] - key) * along
                sums[j] += gain
                marks[j] = 1
            k += 1
        a = end


@inner
def add_masked_sum(sums, marks, seen, q, gain, neuron, start, stop, offset, a, b, base):
    """Each spike (head, i, j) of the mask adds column j of the head's values to token i. ``seen`` is zero before and
    after."""
    tokens, per_head = q[fp.IN_PIXELS], q[fp.IN_GROUP]
    across, along = q[fp.CHANNEL_STRIDE], q[fp.PIXEL_STRIDE]
    for k in range(a, b):
        seen[neuron[k] - base] = 1
    for k in range(start, stop):
        row, j = divmod(neuron[k] - offset, tokens)
        head, i = divmod(row, tokens)
        for channel in range(head * per_head, (head + 1) * per_head):
            at = channel * across + i * along
            sums[at] += gain * seen[channel * tokens + j]
            marks[at] = 1
    for k in range(a, b):
        seen[neuron[k] - base] = 0
