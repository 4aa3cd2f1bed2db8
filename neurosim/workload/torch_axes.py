"""What reshapes, transposes, indexing, stacking and means do to the leading axes of traced values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from neurosim.workload.torch_graph import BATCH, BATCH_FIRST, MERGED, RAW, SEQUENCE, Value, refused, rest_of

if TYPE_CHECKING:
    from neurosim.workload.torch_trace import Tracer


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a function: its name, arguments by name, and the result."""

    name: str
    args: tuple
    kwargs: dict[str, Any]
    result: Any

    def bound(self, names: str, **defaults) -> dict[str, Any]:
        """Arguments by name, in the order of ``names``."""
        listed = names.split()
        given = dict(zip(listed, self.args, strict=False)) | self.kwargs
        return {name: given.get(name, defaults.get(name)) for name in listed}


def same(t: Tracer, call: Call) -> Value:
    """The values as they are: copies, casts to float32, dropout in evaluation."""
    given = t.value(call.args[0])
    if call.bound("input p training")["training"] and "dropout" in call.name:
        raise refused(t.path, "drops spikes at random; call model.eval() first")
    if call.result.dtype != call.args[0].dtype and not call.result.dtype.is_floating_point:
        return given.loses("a cast to integers")
    return given


def reshape(t: Tracer, call: Call) -> Value:
    """flatten, view, reshape, squeeze, unsqueeze: the order of the numbers stays, so the new shape says it all."""
    given, old, new = t.value(call.args[0]), tuple(call.args[0].shape), tuple(call.result.shape)
    if given.lost:
        return given
    lead, sizes = given.lead, given.sizes
    a = call.bound("input start_dim end_dim")
    joined = call.name == "flatten" and (a["start_dim"], a["end_dim"]) == (0, 1)
    if lead == RAW:
        return _reshape_raw(t, given, old, new, joined)
    if lead == SEQUENCE:
        sizes = old[:2]
        lead = SEQUENCE if new[:2] == sizes and not joined else MERGED if new[:1] == (old[0] * old[1],) else None
    elif lead == MERGED:
        lead = SEQUENCE if sizes and new[:2] == sizes else MERGED if new[:1] == old[:1] else None
    elif lead == BATCH:
        inserted = new == (1, *old) and call.name.startswith("unsqueeze")
        lead = SEQUENCE if inserted else BATCH if new[:1] == old[:1] else None
        sizes = (1, old[0]) if inserted else sizes
    elif lead == BATCH_FIRST:
        lead = BATCH_FIRST if new[:2] == old[:2] else None
    if lead is None:
        return given.loses("a reshape over batch and time")
    return _shaped(t, given, rest_of(new, lead), replace(given, lead=lead, sizes=sizes))


def _reshape_raw(t: Tracer, given: Value, old: tuple, new: tuple, joined: bool) -> Value:
    """The batch itself, of which nothing is known yet."""
    if new == (1, *old):
        t.layout(BATCH)
        return replace(given, lead=SEQUENCE, sizes=(1, old[0]))
    if new[:1] == old[:1] and not joined:
        return given
    if len(old) > 1 and new[:1] == (old[0] * old[1],):
        t.layout(SEQUENCE)
        return replace(given, lead=MERGED, sizes=old[:2])
    return given.loses("a reshape over batch and time")


def _shaped(t: Tracer, given: Value, shape: tuple[int, ...], made: Value) -> Value:
    if made.node.kind == "input" or shape == made.node.shape:
        return made
    return replace(made, node=t.node("flatten", (made.node,), shape, {}))


def repeat(t: Tracer, call: Call) -> Value:
    """One timestep repeated for all: direct coding."""
    given, old, new = t.value(call.args[0]), tuple(call.args[0].shape), tuple(call.result.shape)
    if given.lost or new == old:
        return given
    if given.lead == RAW and len(new) == len(old) + 1 and new[1:] == old:
        t.layout(BATCH)
        return replace(given, lead=SEQUENCE, sizes=new[:2])
    if given.lead == BATCH and len(new) == len(old) + 1 and new[1:] == old:
        return replace(given, lead=SEQUENCE, sizes=new[:2], at=None)
    if given.lead == SEQUENCE and old[0] == 1 and new[1:] == old[1:]:
        return replace(given, sizes=new[:2], at=None)
    return given.loses(call.name)


def transpose(t: Tracer, call: Call) -> Value:
    """The time and batch axes changed places; anything else is not followed."""
    given, ndim = t.value(call.args[0]), call.args[0].ndim
    if call.name == "transpose":
        order = list(range(ndim))
        a, b = (int(d) % ndim for d in call.args[1:3])
        order[a], order[b] = b, a
    else:
        dims = call.kwargs.get("dims", call.args[1:])
        order = [int(d) % ndim for d in (dims[0] if dims and isinstance(dims[0], (list, tuple)) else dims)]
    if order == list(range(ndim)) or given.lost:
        return given
    swapped = order == [1, 0, *range(2, ndim)]
    if swapped and given.lead in (RAW, BATCH_FIRST):
        if given.lead == RAW:
            t.layout(BATCH_FIRST)
        return replace(given, lead=SEQUENCE, sizes=tuple(call.result.shape[:2]))
    if swapped and given.lead == SEQUENCE:
        return replace(given, lead=BATCH_FIRST)
    return given.loses("a change of axes")


def index(t: Tracer, call: Call) -> Value:
    """``x[t]`` and ``x[:, t]``: one timestep."""
    given, key = t.value(call.args[0]), call.args[1]
    if call.name == "select":
        key = (slice(None),) * int(call.args[1]) + (int(call.args[2]),)
    keys = key if isinstance(key, tuple) else (key,)
    whole = all(isinstance(k, slice) and k == slice(None) for k in keys[:-1])
    last = keys[-1]
    if given.lost or isinstance(last, bool) or not hasattr(last, "__index__") or not whole or len(keys) > 2:
        return given.loses("a part of it")
    axis = len(keys) - 1
    if given.lead not in ((RAW, SEQUENCE) if axis == 0 else (RAW, BATCH_FIRST)):
        return given.loses("a part of it")
    steps = call.args[0].shape[axis]
    if given.node.kind == "input" and given.lead == RAW:
        t.layout(SEQUENCE if axis == 0 else BATCH_FIRST)
    at = int(last) % steps if steps > 1 or given.at is None else given.at
    return replace(given, lead=BATCH, at=at)


def unbind(t: Tracer, call: Call) -> list[Value]:
    """A loop over the tensor itself."""
    given, axis = t.value(call.args[0]), call.bound("input dim", dim=0)["dim"]
    lead = SEQUENCE if axis == 0 else BATCH_FIRST
    if given.lost or axis not in (0, 1) or given.lead not in (RAW, lead):
        return [given.loses("a part of it")] * len(call.result)
    if given.node.kind == "input" and given.lead == RAW:
        t.layout(lead)
    return [replace(given, lead=BATCH, at=at) for at in range(len(call.result))]


def join(t: Tracer, call: Call) -> Value:
    """stack and cat of one node's timesteps, in order, are the sequence again."""
    a = call.bound("tensors dim", dim=0)
    given = [t.value(x) for x in a["tensors"]]
    known = next(v for v in given if v is not None)
    wanted = BATCH if call.name == "stack" else SEQUENCE
    same = all(v is not None and v.node is known.node and v.lead == wanted for v in given)
    ordered = same and [v.at for v in given] == list(range(len(given)))
    if not ordered or any(v.lost or v.mean or v.membrane != known.membrane for v in given):
        return known.loses(f"{call.name} of several")
    if a["dim"] == 1 and call.name == "stack":
        return replace(known, lead=BATCH_FIRST, at=None)
    if a["dim"] != 0:
        return known.loses(call.name)
    return replace(known, lead=SEQUENCE, sizes=tuple(call.result.shape[:2]), at=None)


def mean(t: Tracer, call: Call) -> Value:
    """A mean over time may pass a linear layer on its way to the answer; a sum may not (its bias would grow).

    A mean over all positions of each channel is an average pool.
    """
    given, tensor = t.value(call.args[0]), call.args[0]
    a = call.bound("input dim keepdim", keepdim=False)
    axes = a["dim"] if isinstance(a["dim"], (tuple, list)) else [a["dim"]]
    axes = [axis % tensor.ndim if isinstance(axis, int) else None for axis in axes]
    plain = call.name == "mean" and not (given.lost or given.mean)
    over_time = (given.lead, axes) in ((SEQUENCE, [0]), (BATCH_FIRST, [1]))
    if plain and over_time and not a["keepdim"] and tensor.ndim > 2:
        return replace(given, lead=BATCH, mean=True, at=None)
    first = len(given.lead)
    places = list(range(first + 1, tensor.ndim))
    if plain and sorted(axes, key=str) == places and len(places) in (1, 2) and given.lead in (BATCH, MERGED, SEQUENCE):
        given = t.take(tensor, leads=(given.lead,))
        size = (1, *tensor.shape[first + 1 :])[-2:]
        fields = {"size": size, "stride": size, "padding": (0, 0)}
        node = t.node("avg_pool2d", (given.node,), (tensor.shape[first], *[1] * len(places)), fields)
        return _shaped(t, given, rest_of(tuple(call.result.shape), given.lead), replace(given, node=node))
    return given.loses("a sum over time" if over_time else call.name)
