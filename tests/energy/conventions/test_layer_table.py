"""Reading layer tables: three dialects, and cells that are wrong."""

import pytest

from neurosim.energy.conventions.activity import NotGiven
from neurosim.energy.conventions.layer_table import read_layer_table
from neurosim.errors import NeurosimError

HEADER = "layer,type,cin,cout,k,stride,groups,h_out,w_out,T"


def table(tmp_path, header, *lines):
    path = tmp_path / "layers.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_operations_rates_and_classes(tmp_path):
    path = table(
        tmp_path, f"{HEADER},bias,firing_rate,op_class,dense_ops,note",
        "first,conv2d,3,8,3,1,1,4,4,2,0,1,MAC,6912,", "second,conv1d,8,8,1,1,1,4,4,2,1,0.25,AC,2304,",
        'ktv,attn_ktv,8,4,,,2,16,1,2,0,0.1,AC,512,"rate used = min(rate_k,rate_v); rate_k=0.1 rate_v=0.2"',
    )  # fmt: skip
    first, second, ktv = read_layer_table(path, weight_bits=8, input_bits=4).layers
    assert first.analog and first.first and first.macs == 9 * 3 * 8 * 16 and first.input_bits == 4
    assert not second.analog and second.bias and second.operations() == 2304 and second.input_bits == 1
    assert (ktv.kind, ktv.macs, ktv.rate_k, ktv.rate_v) == ("attention_ktv", 256, 0.1, 0.2)


def test_rates_of_outputs_and_pruned_layers(tmp_path):
    path = table(
        tmp_path, f"{HEADER},firing_rate,rate_in_used,op_class,live,neurons", "a,conv,2,4,3,2,1,8,8,4,0.5,1,MAC,1,256",
        "b,shortcut_conv,4,4,1,1,1,8,8,4,0,0.5,AC,0,256", "fc,linear,4,3,1,1,1,1,1,4,,,MAC,1,0",
    )  # fmt: skip
    activity = read_layer_table(path)
    a, b, fc = activity.layers
    assert (a.rate_in, a.rate_out, a.neurons_in) == (1, 0.5, 2 * 16 * 16)
    assert activity.weighted == (a, fc) and b.rate_in == 0.5
    with pytest.raises(NotGiven, match="layer fc"):
        fc.rate()


def test_shapes_alone(tmp_path):
    path = table(
        tmp_path, f"{HEADER},macs_per_step,input_kind,D,firing_rate", "a,conv,3,8,7,2,1,9,9,1,95256,analog,4,",
        "b,dwconv,8,8,7,1,8,9,9,1,31752,spike,4,", "qk,attn QK^T,8,8,0,1,1,9,9,1,100,spike (of mean),4,",
    )  # fmt: skip
    a, b, qk = read_layer_table(path).layers
    assert a.analog and not b.analog and not qk.analog
    assert (b.macs, b.weights, b.levels) == (31752, 49 * 8, 4)
    assert qk.macs == 100 and qk.kind == "attention"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,conv5d,3,8,3,1,1,4,4,2", "line 2, column type: got 'conv5d'"),
        ("a,conv,0,8,3,1,1,4,4,2", "column cin"),
        ("a,conv,3,8,3,1,2,4,4,2", "column groups: got '2', expected a divisor of 3"),
        ("a,conv,3,8,3,1,1,4,4,0", "column T"),
        ("a,attn_ktv,3,8,,,1,4,4,2", "column dense_ops"),
    ],
)
def test_bad_cells_are_named(tmp_path, line, message):
    with pytest.raises(NeurosimError, match=message):
        read_layer_table(table(tmp_path, HEADER, line))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(NeurosimError, match="missing column T"):
        read_layer_table(table(tmp_path, HEADER.removesuffix(",T"), "a,conv,3,8,3,1,1,4,4"))
