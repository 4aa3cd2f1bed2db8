"""Connections listed one by one agree with the definition of each connectivity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Conv2d, Dense, Identity, Pool2d, Sparse


def dense_matrix(connectivity, source, target):
    """(n_source, n_target) matrix that a CSR listing stands for."""
    indptr, indices, weights = connectivity.to_csr(source, target)
    matrix = np.zeros((int(np.prod(source)), int(np.prod(target))), np.float64)
    for row in range(matrix.shape[0]):
        for k in range(indptr[row], indptr[row + 1]):
            matrix[row, indices[k]] += weights[k]
    return matrix


def naive_conv(image, w, stride, padding, dilation, groups):
    """Cross-correlation by its definition, four loops."""
    out_channels, in_group, kh, kw = w.shape
    padded = np.pad(image, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    oh = (padded.shape[1] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (padded.shape[2] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((out_channels, oh, ow))
    per_group = out_channels // groups
    for o in range(out_channels):
        first = (o // per_group) * in_group
        for y in range(oh):
            for x in range(ow):
                rows = y * stride[0] + dilation[0] * np.arange(kh)
                cols = x * stride[1] + dilation[1] * np.arange(kw)
                patch = padded[first : first + in_group][:, rows][:, :, cols]
                out[o, y, x] = (patch * w[o]).sum()
    return out


@st.composite
def convolutions(draw):
    groups = draw(st.integers(1, 3))
    in_group, per_group = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    height = draw(st.integers(1 + dilation[0] * (kernel[0] - 1), 7))
    width = draw(st.integers(1 + dilation[1] * (kernel[1] - 1), 6))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    weights = rng.integers(-5, 6, (groups * per_group, in_group, *kernel))
    image = rng.integers(0, 2, (groups * in_group, height, width))
    return Conv2d(weights, stride, padding, dilation, groups), image


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_convolution_equals_its_definition(case):
    conv, image = case
    target = conv.output_shape(image.shape)
    conv.check(image.shape, target, "conv")
    expected = naive_conv(image, conv.weights, conv.stride, conv.padding, conv.dilation, conv.groups)
    assert expected.shape == target
    assert np.array_equal(image.ravel() @ dense_matrix(conv, image.shape, target), expected.ravel())


@given(convolutions())
@settings(max_examples=40, deadline=None)
def test_fan_out_counts_connections_never_padding(case):
    conv, image = case
    target = conv.output_shape(image.shape)
    assert np.array_equal(conv.fan_out(image.shape, target), np.diff(conv.to_csr(image.shape, target)[0]))


@pytest.mark.parametrize(("mode", "expected"), [("sum", [10, 26, 42, 58]), ("average", [2.5, 6.5, 10.5, 14.5])])
def test_pooling_sums_its_windows(mode, expected):
    image = np.array([[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 15, 16]]).reshape(1, 4, 4)
    pool = Pool2d(mode, 2)
    assert pool.output_shape(image.shape) == (1, 2, 2)
    assert (image.ravel() @ dense_matrix(pool, image.shape, (1, 2, 2))).tolist() == expected


def test_identity_may_flatten_but_not_resize():
    Identity(1).check((2, 3, 4), (24,), "flatten")
    assert np.array_equal(dense_matrix(Identity(2), (2, 2), (4,)), 2 * np.eye(4))
    with pytest.raises(NeurosimError, match="24 source and 23 target"):
        Identity(1).check((2, 3, 4), (23,), "flatten")


def test_dense_and_sparse_list_the_same_matrix():
    weights = np.array([[1, -2, 3], [4, 5, -6]], np.int8)
    sparse = Sparse(np.array([0, 3, 6]), np.array([0, 1, 2, 0, 1, 2]), weights.ravel())
    for connectivity in (Dense(weights), sparse):
        connectivity.check((2,), (3,), "fc")
        assert np.array_equal(dense_matrix(connectivity, (2,), (3,)), weights)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(np.zeros(3)), "expected .n_source, n_target."),
        (lambda: Dense(np.zeros((2, 3))).check((4,), (3,), "fc"), "fc.weights"),
        (lambda: Sparse([0, 2], [1, 0], [1, 1]), "ascend"),
        (lambda: Sparse([0, 2], [1, 1], [1, 1]), "distinct"),
        (lambda: Sparse([0, 3], [0, 1], [1, 1]), "must agree"),
        (lambda: Sparse([0, 1], [7], [1]).check((1,), (5,), "s"), "expected 0 to 4"),
        (lambda: Conv2d(np.zeros((4, 2, 3, 3)), stride=0), "stride"),
        (lambda: Conv2d(np.zeros((4, 2, 3, 3)), groups=3), "groups"),
        (lambda: Conv2d(np.zeros((4, 2, 3, 3))).check((3, 8, 8), (4, 6, 6), "conv"), "source shape"),
        (lambda: Conv2d(np.zeros((4, 2, 3, 3))).check((2, 2, 8), (4, 6, 6), "conv"), "does not fit"),
        (lambda: Pool2d("median", 2), "pool.mode"),
    ],
)
def test_impossible_connectivity_is_refused(make, message):
    with pytest.raises(NeurosimError, match=message):
        make()


def test_weights_cannot_be_changed_later():
    source = np.ones((2, 2))
    dense = Dense(source)
    source[0, 0] = 9
    assert dense.weights[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        dense.weights[0, 0] = 5
