import numpy as np
import pytest

from neurosim.baseline.ann_model import AnnLayer, AnnModel
from neurosim.errors import NeurosimError


def _dense(weights, bias, multiplier=None, shift=0):
    weights = np.array(weights, np.int8)
    n_in, n_out = weights.shape
    return AnnLayer(
        "dense", (n_in,), (n_out,), weights, np.array(bias, np.int32), np.ones(n_out, np.float32), 1.0,
        None if multiplier is None else np.array(multiplier, np.int32), shift,
    )  # fmt: skip


def _conv(rng, in_shape, channels, kernel, stride, padding):
    weights = rng.integers(-127, 128, (channels, in_shape[0], kernel, kernel)).astype(np.int8)
    size = [(n + 2 * padding - kernel) // stride + 1 for n in in_shape[1:]]
    return AnnLayer(
        "conv", in_shape, (channels, *size), weights, rng.integers(-500, 500, channels).astype(np.int32),
        np.ones(channels, np.float32), 1.0, rng.integers(1, 2**20, channels).astype(np.int32), 28,
        (stride, stride), (padding, padding),
    )  # fmt: skip


def _slow_conv(layer, x):
    """The definition, one multiply-accumulate at a time, in Python integers."""
    out = np.zeros((len(x), *layer.out_shape), np.int64)
    for (n, c, oy, ox), _ in np.ndenumerate(out):
        total = int(layer.bias[c])
        for (ci, ky, kx), w in np.ndenumerate(layer.weights[c]):
            iy, ix = oy * layer.stride[0] - layer.padding[0] + ky, ox * layer.stride[1] - layer.padding[1] + kx
            if 0 <= iy < x.shape[2] and 0 <= ix < x.shape[3]:
                total += int(w) * int(x[n, ci, iy, ix])
        out[n, c, oy, ox] = total
    return out


@pytest.mark.parametrize(
    ("acc", "multiplier", "shift", "expected"),
    [
        (100, 1, 1, 50),
        (101, 1, 1, 51),  # halves go up
        (-1, 1, 1, 0),  # -0.5 rounds to 0
        (-3, 1, 1, 0),  # ReLU
        (511, 1, 1, 255),  # 256 is clipped
        (3, 5, 3, 2),  # 15/8 = 1.875
        (2**30, 2**30, 52, 255),  # the product needs 61 bits
        (2**30, 2**30, 53, 128),
    ],
)
def test_requantise(acc, multiplier, shift, expected):
    layer = _dense([[1]], [0], [multiplier], shift)
    assert layer.requantise(np.array([[acc]], np.int32)) == expected


def test_dense_two_layers_by_hand():
    model = AnnModel((_dense([[1, -2], [3, 4]], [0, -20], [1, 1], 1), _dense([[5, 1], [2, 3]], [0, 7])))
    inputs, hidden, out = model.activations(np.array([[10, 4]], np.uint8))
    # [10 + 12, -20 + 16 - 20] = [22, -24] -> [11, 0] -> [55, 11 + 7]
    assert inputs.tolist() == [[10, 4]]
    assert hidden.tolist() == [[11, 0]]
    assert out.tolist() == [[55, 18]]
    assert model.macs == 8


def test_a_tie_goes_to_the_lowest_class():
    model = AnnModel((_dense([[0, 1, 1]], [0, 0, 0]),))
    assert model.predict(np.array([[9]], np.uint8)).tolist() == [1]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 0), (3, 2, 1), (5, 2, 2)])
def test_conv_is_its_definition(kernel, stride, padding):
    rng = np.random.default_rng(7)
    layer = _conv(rng, (2, 7, 6), 3, kernel, stride, padding)
    x = rng.integers(0, 256, (2, 2, 7, 6)).astype(np.uint8)
    assert np.array_equal(layer.accumulate(x), _slow_conv(layer, x))


def test_conv_macs():
    layer = _conv(np.random.default_rng(0), (1, 28, 28), 16, 5, 2, 2)
    assert (layer.kernel, layer.out_shape, layer.macs) == ((5, 5), (16, 14, 14), 25 * 16 * 14 * 14)


def test_save_and_load(tmp_path):
    rng = np.random.default_rng(3)
    conv = _conv(rng, (1, 6, 6), 2, 3, 2, 1)
    model = AnnModel((conv, _dense(rng.integers(-9, 9, (18, 4)), [1, 2, 3, 4])), "twin")
    model.save(tmp_path / "a.npz")
    loaded = AnnModel.load(tmp_path / "a.npz")
    images = rng.integers(0, 256, (5, 6, 6)).astype(np.uint8)
    assert np.array_equal(loaded.activations(images)[-1], model.activations(images)[-1])
    assert (loaded.name, loaded.layers[0].stride, loaded.layers[1].multiplier) == ("twin", (2, 2), None)
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_bad_inputs_name_the_place():
    with pytest.raises(NeurosimError, match="weights: dtype float64, expected int8"):
        AnnLayer("dense", (1,), (1,), np.ones((1, 1)), np.zeros(1, np.int32), np.ones(1, np.float32), 1.0)
    model = AnnModel((_dense([[1], [1]], [0]),))
    with pytest.raises(NeurosimError, match="expected uint8"):
        model.activations(np.zeros((1, 2)))
    with pytest.raises(NeurosimError, match="int32"):
        _dense([[127]] * 2, [2**31 - 1]).accumulate(np.full((1, 2), 255, np.uint8))


def test_incomplete_file_is_refused(tmp_path):
    from neurosim.files import write_arrays

    write_arrays(tmp_path / "x.npz", {"format": "neurosim-ann/1", "layers": [{"kind": "dense"}]}, {})
    with pytest.raises(NeurosimError, match="not a complete ANN file"):
        AnnModel.load(tmp_path / "x.npz")
