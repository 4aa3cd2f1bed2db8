"""Data of a user's own, by file: pictures, tables, arrays and events become a workload, or a clear refusal."""

import json

import numpy as np
import pytest
from PIL import Image

from neurosim.errors import NeurosimError
from neurosim.snn import Dense, Input, Lif, Network, Population, Projection
from neurosim.workload import input_files
from neurosim.workload.encoder import encode, encoder
from neurosim.workload.event_files import write_events
from neurosim.workload.input_files import read_image, read_input, read_table
from neurosim.workload.native import save_network
from neurosim.workload.workload import load_workload
from tests.cli.test_commands import neurosim
from tests.workload.test_event_stream import random_events


def model(folder, shape, integer=True, bits=8):
    """A network of one dense layer on inputs of ``shape``, saved."""
    n = int(np.prod(shape))
    weights = np.ones((n, 3), np.int8 if integer else np.float32)
    out = Lif(5, membrane_bits=16) if integer else Lif(5.0)
    network = Network(
        [Population("in", shape, Input(bits)), Population("out", (3,), out)], [Projection("in", "out", Dense(weights))]
    )
    save_network(network, folder / "model.npz")
    return str(folder / "model.npz")


@pytest.fixture
def picture(tmp_path):
    """A grey PNG of 4 x 5 pixels that count up."""
    Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5) * 12).save(tmp_path / "x.png")
    return tmp_path / "x.png"


def test_pictures(tmp_path, picture):
    assert np.array_equal(read_image(picture), np.arange(20).reshape(1, 4, 5) * 12)
    Image.fromarray(np.full((4, 5, 3), (250, 10, 20), np.uint8)).save(tmp_path / "c.jpg", quality=100)
    colour = read_image(tmp_path / "c.jpg")
    assert colour.shape == (1, 3, 4, 5) and np.abs(colour[0, :, 0, 0].astype(int) - [250, 10, 20]).max() < 6


def test_a_picture_runs(tmp_path, picture):
    work = load_workload(model(tmp_path, (1, 4, 5)), picture, timesteps=6, encoder_spec="rate:gain=0.5")
    assert (
        work.stimulus(seed=3).content_hash() == encode(read_image(picture), "rate", 6, seed=3, gain=0.5).content_hash()
    )
    even = load_workload(model(tmp_path, (1, 4, 5)), picture, timesteps=6)
    assert even.encoder == "rate_deterministic"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\nnothing"), "not a readable PNG or JPEG"),
        (lambda path: None, "no such file"),
        (lambda path: Image.new("RGBA", (2, 2)).save(path), "mode RGBA, expected 8-bit grey or RGB"),
        (lambda path: Image.new("I;16", (2, 2)).save(path), "expected 8-bit grey or RGB"),
        (lambda path: Image.new("L", (2, 2)).save(path, "GIF"), "not a readable PNG or JPEG"),
    ],
)
def test_bad_pictures(tmp_path, make, said):
    path = tmp_path / "bad.png"
    make(path)
    with pytest.raises(NeurosimError) as error:
        read_image(path)
    assert said in str(error.value) and "bad.png" in str(error.value)


def test_a_picture_is_measured_before_it_is_unpacked(tmp_path, picture, monkeypatch):
    monkeypatch.setattr(input_files, "MAX_PIXELS", 19)
    with pytest.raises(NeurosimError, match="5 x 4 pixels, expected at most 19; scale the picture down"):
        read_image(picture)
    damaged = picture.read_bytes()[:-30]
    picture.write_bytes(damaged)
    monkeypatch.setattr(input_files, "MAX_PIXELS", 100)
    with pytest.raises(NeurosimError, match="not a readable PNG"):
        read_image(picture)


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "a,b\n1,2\n3,4\n", "# remark\na,b\n1, 2\n3, 4\n"])
def test_tables(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    table = read_table(path)
    assert table.tolist() == [[1, 2], [3, 4]] and table.dtype == np.int64
    assert read_input(path, encoder("delta")).shape == (1, 2, 2)
    assert read_input(path, encoder("direct")).shape == read_input(path).shape == (2, 2)


def test_fractions_in_tables(tmp_path):
    (tmp_path / "t.csv").write_text("0.5,1\n0,1e-3\n")
    assert read_table(tmp_path / "t.csv").tolist() == [[0.5, 1], [0, 0.001]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3,x\n", "line 2 of the numbers, column b: got 'x', expected a number"),
        ("a,b\n1,2\n3,\n", "line 2 of the numbers, column b"),
        ("1,2\n3,4,5\n", "not a table of numbers"),
        ("a,b\n3,4,5\n", "not a table of numbers"),
        ("a,b\n", "no numbers"),
        ("", "not a table of numbers"),
    ],
)
def test_bad_tables(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(NeurosimError) as error:
        read_table(tmp_path / "t.csv")
    assert said in str(error.value)


def test_a_signal_in_a_table_runs_with_as_many_timesteps_as_lines(tmp_path):
    (tmp_path / "s.csv").write_text("0,1\n0.5,1\n1,0\n")
    work = load_workload(model(tmp_path, (2, 2)), tmp_path / "s.csv", encoder_spec="step_forward:threshold=0.2")
    spikes = work.stimulus()
    # Neurons: OFF of both features, then ON of both.
    assert (spikes.timesteps, spikes.n_samples) == (3, 1) and spikes.neuron.tolist() == [2, 1, 2]


@pytest.mark.parametrize("suffix", ["csv", "npy"])
def test_events_run_by_themselves(tmp_path, suffix):
    events = random_events(1)
    write_events(tmp_path / f"e.{suffix}", events)
    work = load_workload(model(tmp_path, (2, 4, 5)), tmp_path / f"e.{suffix}", timesteps=7)
    assert work.stimulus().content_hash() == encode(events, "events", 7, shape=(2, 4, 5)).content_hash()
    by_step = load_workload(model(tmp_path, (2, 4, 5)), tmp_path / f"e.{suffix}", encoder_spec="events:step=100")
    assert by_step.timesteps == 10
    assert (
        encode(tmp_path / f"e.{suffix}", "events", 7, shape=(2, 4, 5)).content_hash() == work.stimulus().content_hash()
    )


def test_frames_run(tmp_path):
    video = (np.random.default_rng(0).random((2, 5, 4, 5)) * 255).astype(np.uint8)
    np.save(tmp_path / "v.npy", video)
    work = load_workload(model(tmp_path, (2, 4, 5)), tmp_path / "v.npy", encoder_spec="frames:on=0.4")
    assert work.timesteps == 4
    assert work.stimulus(1).content_hash() == encode(video[:1], "frames", on=0.4).content_hash()


def test_one_sample_without_its_axis(tmp_path):
    np.save(tmp_path / "x.npy", np.full((4, 5), 0.5))
    work = load_workload(model(tmp_path, (1, 4, 5)), tmp_path / "x.npy", timesteps=3, encoder_spec="latency")
    assert work.data.shape == (1, 4, 5) and work.stimulus().neuron.size == 20


def test_one_signal_of_one_feature(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[0.0], [1.0], [0.0]]))
    work = load_workload(model(tmp_path, (2,)), tmp_path / "x.npy", encoder_spec="delta")
    assert work.data.shape == (1, 3, 1) and work.stimulus().neuron.tolist() == [1, 0]


def test_direct_fractions_widen_the_input_of_a_nir_file(tmp_path):
    from neurosim.workload.nir_out import write_nir
    from neurosim.workload.workload import load_model

    write_nir(load_model(model(tmp_path, (4,), integer=False, bits=1)), tmp_path / "m.nir")
    np.save(tmp_path / "x.npy", np.array([[0.5, 0, 1, 0.25]]))
    for spec, bits in (("direct", 32), ("rate", 1)):
        work = load_workload(str(tmp_path / "m.nir"), tmp_path / "x.npy", timesteps=2, encoder_spec=spec)
        assert work.network.value_bits(work.network.input_names[0]) == bits


@pytest.mark.parametrize(
    ("file", "spec", "steps", "said"),
    [
        (
            "x.npy",
            "rate",
            3,
            "shape (2, 7) (float64) as (samples, ...) gives encoder rate 7 inputs, the network has 40",
        ),
        ("x.npy", "delta", 3, "as (samples, moments, ...)"),
        ("y.npy", "rate", None, "encoder rate needs a number of timesteps; give --timesteps N"),
        ("e.csv", "rate", 3, "shape (50, 4)"),
        ("e.npy", "rate", 3, "a stream of events; --encoder rate takes numbers, use --encoder events"),
        ("e.csv", None, None, "give a number of timesteps"),
        ("e.csv", "events:width=9,height=9", 3, "a camera of 162 polarities and pixels, but the network has inputs of"),
        ("y.npy", "morse", 3, "encoder.kind: got 'morse'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, file, spec, steps, said):
    np.save(tmp_path / "x.npy", np.zeros((2, 7)))
    np.save(tmp_path / "y.npy", np.zeros((2, 40)))
    for name in ("e.csv", "e.npy"):
        write_events(tmp_path / name, random_events(1))
    with pytest.raises(NeurosimError) as error:
        load_workload(model(tmp_path, (2, 4, 5)), tmp_path / file, timesteps=steps, encoder_spec=spec)
    assert said in str(error.value)


def test_labels_for_encoded_data(tmp_path):
    np.save(tmp_path / "y.npy", np.zeros((2, 40)))
    np.save(tmp_path / "labels.npy", np.array([1, 2, 3]))
    with pytest.raises(NeurosimError, match="3 for 2 samples"):
        load_workload(model(tmp_path, (40,)), tmp_path / "y.npy", tmp_path / "labels.npy", 3, encoder_spec="rate")


def test_shipped_workloads_take_encoders_of_pictures():
    work = load_workload("mnist-mlp-w4", encoder_spec="rate")
    assert work.stimulus(2, seed=1).content_hash() != load_workload("mnist-mlp-w4").stimulus(2).content_hash()
    with pytest.raises(NeurosimError, match="its data are images"):
        load_workload("mnist-mlp-w4", encoder_spec="delta")


def test_spikes_that_are_there_are_not_encoded(tmp_path):
    from tests.validation.test_spikes import SNNTORCH

    with pytest.raises(NeurosimError, match="holds its input spikes"):
        load_workload(str(SNNTORCH), encoder_spec="rate")


def test_from_the_command_line(tmp_path, picture):
    where = ("--chip", "edge-28nm", "--out", "results", "--json")
    model(tmp_path, (1, 4, 5))
    run = ("run", "model.npz", "--input", "x.png", "--encoder", "rate:gain=0.8", "--steps", "20", "--seed", "1", *where)
    code, out, err = neurosim(*run, cwd=tmp_path)
    assert code == 0, err
    plain = json.loads(out)
    assert (plain["samples"], plain["timesteps"]) == (1, 20)
    assert plain["provenance"]["parameters"]["encoder"] == "rate:gain=0.8"
    assert plain["spikes"]["in"] == encode(picture, "rate", 20, seed=1, gain=0.8).neuron.size
    code, _, err = neurosim("run", "model.npz", "--input", "x.png", "--encoder", "rate:gian=1", *where, cwd=tmp_path)
    assert code == 2 and "key of gain" in err


def test_a_header_that_claims_more_than_the_file(tmp_path):
    with (tmp_path / "x.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with pytest.raises(NeurosimError, match=r"x\.npy: not a readable"):
        read_input(tmp_path / "x.npy")


def test_a_header_that_is_no_python(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    raw = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(raw.replace(b"{", b"(", 1))
    with pytest.raises(NeurosimError, match=r"x\.npy: not a readable"):
        read_input(tmp_path / "x.npy")


def test_arrays_without_entries_and_as_they_were(tmp_path):
    for array in (np.zeros((0, 3)), np.arange(6, dtype="<u2").reshape(2, 3), np.asfortranarray(np.eye(3))):
        np.save(tmp_path / "x.npy", array)
        back = read_input(tmp_path / "x.npy")
        assert np.array_equal(back, array) and back.dtype == array.dtype and back.flags.owndata and back.flags.writeable
