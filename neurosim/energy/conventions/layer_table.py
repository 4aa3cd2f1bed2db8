"""Reading a table of layers, one CSV line a layer, into an activity.

Columns: ``layer, type, cin, cout, k, stride, groups, h_out, w_out, T`` always; then, where the source has them,
``firing_rate`` (of the input; of the output where ``rate_in_used`` gives the input's), ``rate_in_used``, ``op_class``
(MAC or AC), ``input_kind`` (spike or something analog), ``dense_ops`` (of the whole inference), ``macs_per_step``,
``D`` (unfolded steps of an integer activation), ``live`` (0: pruned), ``neurons``, ``bias``, ``note``.
"""

from __future__ import annotations

import re
from pathlib import Path

from neurosim.csv_rows import Row, read_rows
from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity

REQUIRED = ("layer", "type", "cin", "cout", "k", "stride", "groups", "h_out", "w_out", "T")
_CONVOLUTIONS = {
    "conv", "conv1d", "conv2d", "conv1x1", "dwconv", "repconv", "conv(repconv folded)", "shortcut_conv"
}  # fmt: skip
_KINDS = dict.fromkeys(_CONVOLUTIONS, "conv") | {
    "linear": "dense", "attn_ktv": "attention_ktv", "attn_qkv": "attention_qkv",
    "attn K^TV": "attention_ktv", "attn Q(K^TV)": "attention_qkv",
    "attn QK^T": "attention", "attn (QK^T)V": "attention",
}  # fmt: skip
_LIMIT = 1 << 53
_APART = re.compile(r"rate_k=(\S+) rate_v=(\S+)")


def read_layer_table(path: Path, weight_bits: float | None = None, input_bits: int | None = None) -> NetworkActivity:
    """The table's layers. ``weight_bits`` and ``input_bits`` (of analog inputs) are what no table states.

    Raises NeurosimError naming file, line and column of what is wrong.
    """
    rows = read_rows(Path(path), REQUIRED)
    layers = [_layer(row, position, weight_bits, input_bits) for position, row in enumerate(rows)]
    return NetworkActivity(Path(path).stem, tuple(layers))


def _optional(row: Row, column: str, low: float, high: float) -> float | None:
    return row.number(column, low, high) if row.known(column) else None


def _whole(row: Row, column: str, otherwise: int, low: int = 0) -> int:
    return row.whole(column, low, _LIMIT) if row.known(column) else otherwise


def _layer(row: Row, position: int, weight_bits: float | None, analog_bits: int | None) -> LayerActivity:
    kind = _KINDS[row.text("type", _KINDS)]
    cin, cout = row.whole("cin", 1, _LIMIT), row.whole("cout", 1, _LIMIT)
    # Attention rows have no window and write 0 or nothing.
    size, stride = max(1, _whole(row, "k", 1)), max(1, _whole(row, "stride", 1))
    groups, steps = max(1, _whole(row, "groups", 1)), row.whole("T", 1, 1 << 20)
    h_out, w_out = row.whole("h_out", 1, _LIMIT), row.whole("w_out", 1, _LIMIT)
    dense_ops = row.whole("dense_ops", 0, _LIMIT) if row.known("dense_ops") else None
    if kind == "conv" and cin % groups:
        raise row.wrong("groups", f"a divisor of {cin} input channels")
    if row.known("macs_per_step"):
        macs = row.whole("macs_per_step", 0, _LIMIT)
    elif kind.startswith("attention"):
        if dense_ops is None:
            raise row.wrong("dense_ops", "a number: nothing else says how large an attention product is")
        macs = dense_ops // steps
    else:
        macs = size * size * h_out * w_out * cin // groups * cout
    kind_of_input = row.cells.get("input_kind", "")
    analog = row.cells.get("op_class") == "MAC" or bool(kind_of_input and not kind_of_input.startswith("spike"))
    rate, rate_out = _optional(row, "firing_rate", 0, 1 << 20), None
    if "rate_in_used" in row.cells:
        rate, rate_out = _optional(row, "rate_in_used", 0, 1 << 20), rate
    apart = _APART.search(row.cells.get("note", ""))
    return LayerActivity(
        name=row.text("layer"), kind=kind, cin=cin, cout=cout, kernel=(size, size), stride=(stride, stride),
        groups=groups, h_out=h_out, w_out=w_out, timesteps=steps, levels=_whole(row, "D", 1, 1), macs=macs,
        weights=0 if kind.startswith("attention") else size * size * cin // groups * cout,
        neurons_in=cin * h_out * stride * w_out * stride if kind == "conv" else cin,
        neurons_out=_whole(row, "neurons", h_out * w_out * cout), first=position == 0 and analog, analog=analog,
        live=_whole(row, "live", 1) != 0, bias=_whole(row, "bias", 0) != 0, rate_in=rate, rate_out=rate_out,
        rate_k=float(apart[1]) if apart else None, rate_v=float(apart[2]) if apart else None,
        weight_bits=weight_bits, input_bits=analog_bits if analog else 1, dense_ops=dense_ops,
    )  # fmt: skip
