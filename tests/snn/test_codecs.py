"""Weight formats, by small literals."""

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.snn.codecs import (
    BinaryCodec,
    CodebookCodec,
    FloatCodec,
    IntCodec,
    TernaryCodec,
    codec_from_header,
    codec_header,
)

CROSS = CodebookCodec(((1, 1, -1), (-1, 1, 1), (1, -1, 1), (-1, -1, -1)))


@pytest.mark.parametrize(
    ("codec", "values", "codes"),
    [
        (IntCodec(4), [-8, -1, 0, 7], [0, 7, 8, 15]),
        (IntCodec(2, "odd"), [-3, -1, 1, 3], [0, 1, 2, 3]),
        (TernaryCodec(), [-1, 0, 1], [0, 1, 2]),
        (BinaryCodec(), [-1, 1], [0, 1]),
        (CROSS, [-1, 1, 1, 1, 1, -1], [1, 0]),
    ],
)
def test_codes_are_these_and_decode_back(codec, values, codes):
    array = np.array(values, np.int8)
    codec.check(array, "weights")
    assert codec.encode(array).tolist() == codes
    assert codec.decode(codec.encode(array)).tolist() == values


@pytest.mark.parametrize(
    ("codec", "bits"),
    [(FloatCodec(), 32), (IntCodec(3), 3), (TernaryCodec(), 2), (BinaryCodec(), 1), (CROSS, 2 / 3)],
)
def test_bits_of_one_stored_weight(codec, bits):
    assert codec.bits == bits


@pytest.mark.parametrize(
    ("codec", "values"),
    [
        (IntCodec(4), [8]),
        (IntCodec(4), [-9]),
        (IntCodec(2, "odd"), [2]),
        (IntCodec(2, "odd"), [5]),
        (TernaryCodec(), [2]),
        (BinaryCodec(), [0]),
        (CROSS, [1, 1, 1]),
        (CROSS, [1, 1]),
    ],
)
def test_values_outside_the_format_are_refused(codec, values):
    with pytest.raises(NeurosimError):
        codec.check(np.array(values, np.int32), "weights")


def test_the_message_names_place_value_and_limit():
    with pytest.raises(NeurosimError, match=r"fc1\.weights: 1 weight.*first is 9 at flat index 1.*-8 to 7"):
        IntCodec(4).check(np.array([1, 9], np.int32), "fc1.weights")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_float_weights_must_be_finite(bad):
    with pytest.raises(NeurosimError, match="finite"):
        FloatCodec().check(np.array([1.0, bad], np.float32), "weights")


def test_float_codes_are_the_ieee_bits():
    values = np.array([1.5, -0.0, 3e-41], np.float32)
    assert FloatCodec().decode(FloatCodec().encode(values)).tobytes() == values.tobytes()


@pytest.mark.parametrize("codec", [FloatCodec(), IntCodec(5), IntCodec(2, "odd"), TernaryCodec(), BinaryCodec(), CROSS])
def test_headers_round_trip(codec):
    assert codec_from_header(codec_header(codec), "here") == codec


@pytest.mark.parametrize("header", [{}, {"kind": "int"}, {"kind": "int", "width": 3}, {"kind": "quaternary"}])
def test_bad_headers_are_refused(header):
    with pytest.raises(NeurosimError, match="known kinds"):
        codec_from_header(header, "projection a->b")


def test_codebook_table_bits():
    assert CROSS.table_bits == 12
    assert CodebookCodec(((0, 3), (1, -2))).table_bits == 4 * 3
