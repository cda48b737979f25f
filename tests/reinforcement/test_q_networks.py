"""Q-networks: the Nature network against Keras layers as the paper has them, dueling heads, sizes and types."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlcourse.reinforcement.q_networks import (
    CompiledNetwork,
    SpaceToDepth,
    dense_network,
    dueling_values,
    minatar_network,
    nature_network,
)

SMALL = {"frame_shape": (36, 44), "filters": (6, 5, 4), "units": 16}
NUMBERS = st.floats(-100, 100, width=32)


def frames(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(count, *shape), dtype=np.uint8)


def as_the_paper_has_it(network: keras.Model, frame_shape: tuple[int, int], stack: int) -> keras.Model:
    """Plain Keras layers, frames last and scaled, with the weights of a network on blocks of pixels."""
    conv1, conv2, conv3 = (network.get_layer(f"conv{number}") for number in (1, 2, 3))
    kernel, bias = conv1.get_weights()
    # Channel 4 (stack i + f) + j of block (a, b) is pixel (4a + i, 4b + j) of frame f.
    pixels = kernel.reshape(2, 2, 4, stack, 4, -1).transpose(0, 2, 1, 4, 3, 5).reshape(8, 8, stack, -1)
    model = keras.Sequential(
        [
            keras.Input((*frame_shape, stack)),
            keras.layers.Conv2D(conv1.filters, 8, 4, activation="relu"),
            keras.layers.Conv2D(conv2.filters, 4, 2, activation="relu"),
            keras.layers.Conv2D(conv3.filters, 3, 1, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(network.get_layer("hidden").units, activation="relu"),
            keras.layers.Dense(network.output_shape[-1]),
        ]
    )
    layers = (conv2, conv3, network.get_layer("hidden"), network.get_layer("q_values"))
    model.set_weights([pixels, bias, *(array for layer in layers for array in layer.get_weights())])
    return model


@pytest.mark.parametrize(
    ("stack", "sizes"), [(4, {"frame_shape": (84, 84)}), (3, SMALL)], ids=["as published", "another size"]
)
def test_the_network_on_blocks_is_the_one_with_8_by_8_kernels_of_stride_4(stack, sizes):
    network = nature_network(4, stack=stack, seed=1, **sizes)
    seen = frames(3, stack, *sizes["frame_shape"])
    expected = as_the_paper_has_it(network, sizes["frame_shape"], stack)(seen.transpose(0, 2, 3, 1) / 255)
    np.testing.assert_allclose(network(seen), expected, rtol=1e-4, atol=1e-5)


def test_a_pixel_goes_where_the_docstring_says():
    seen = frames(1, 3, 8, 12)
    blocks = np.asarray(SpaceToDepth()(seen))
    for frame, row, column in [(0, 0, 0), (2, 7, 3), (1, 5, 10)]:
        channel = 4 * (3 * (row % 4) + frame) + column % 4
        assert blocks[0, row // 4, column // 4, channel] == pytest.approx(seen[0, frame, row, column] / 255)


def test_the_parameter_counts_are_those_of_the_papers():
    conv = 8 * 8 * 4 * 32 + 32 + 4 * 4 * 32 * 64 + 64 + 3 * 3 * 64 * 64 + 64
    assert nature_network(4).count_params() == conv + 7 * 7 * 64 * 512 + 512 + 512 * 4 + 4 == 1_686_180
    streams = 2 * (7 * 7 * 64 * 512 + 512) + 512 * 4 + 4 + 512 + 1
    assert nature_network(4, dueling="mean").count_params() == conv + streams
    minatar = 3 * 3 * 7 * 16 + 16 + 8 * 8 * 16 * 128 + 128 + 128 * 6 + 6
    assert minatar_network(6, (10, 10, 7)).count_params() == minatar


@given(arrays(np.float32, (5, 1), elements=NUMBERS), arrays(np.float32, (5, 3), elements=NUMBERS), st.floats(-50, 50))
@settings(max_examples=25, deadline=None)
def test_a_dueling_head_gives_value_and_advantages_a_meaning(values, advantages, shift):
    mean, most, naive = (np.asarray(dueling_values(values, advantages, how)) for how in ("mean", "max", "naive"))
    np.testing.assert_allclose(mean.mean(axis=1, keepdims=True), values, atol=1e-3)
    np.testing.assert_allclose(most.max(axis=1, keepdims=True), values, atol=1e-3)
    np.testing.assert_array_equal(naive, values + advantages)
    for how, before in (("mean", mean), ("max", most)):
        np.testing.assert_allclose(dueling_values(values, advantages + np.float32(shift), how), before, atol=1e-3)
    # All three agree which action is best.
    rows = np.arange(5)
    for q in (mean, most, naive):
        np.testing.assert_allclose(q[rows, advantages.argmax(axis=1)], q.max(axis=1), atol=1e-3)


@pytest.mark.parametrize("how", ["mean", "max", "naive"])
def test_the_networks_put_their_streams_together_by_the_named_rule(how):
    network = dense_network(3, 2, hidden=(8, 8), dueling=how, seed=2)
    inner = keras.Model(network.inputs, [network.get_layer("value").output, network.get_layer("advantage").output])
    seen = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    np.testing.assert_allclose(network(seen), dueling_values(*inner(seen), how), rtol=1e-6)


def test_bfloat16_is_close_to_float32_and_keeps_its_weights_in_float32():
    for make in (
        lambda precision: nature_network(4, **SMALL, dueling="mean", precision=precision, seed=3),
        lambda precision: minatar_network(3, (10, 10, 4), precision=precision, seed=3),
        lambda precision: dense_network(3, 5, precision=precision, seed=3),
    ):
        exact, short = make("float32"), make("bfloat16")
        for ours, theirs in zip(exact.get_weights(), short.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert theirs.dtype == np.float32
        shape = exact.input_shape[1:]
        seen = frames(8, *shape) if len(shape) == 3 and shape[0] == 4 else frames(8, *shape) / np.float32(255)
        values, rounded = np.asarray(exact(seen)), np.asarray(short(seen))
        assert rounded.dtype == np.float32
        # Eight bits of mantissa leave about one part in 256 in each product.
        assert 0 < np.abs(values - rounded).max() < 0.03 * np.abs(values).max()


def test_a_seed_fixes_the_weights_and_no_two_layers_share_them():
    first, same, other = (dense_network(2, 8, hidden=(8, 8), seed=seed).get_weights() for seed in (0, 0, 1))
    for ours, theirs in zip(first, same, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], first[2])


def test_a_saved_network_comes_back(tmp_path):
    network = nature_network(4, **SMALL, dueling="mean")
    network.save(tmp_path / "net.keras")
    seen = frames(2, 4, 36, 44)
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "net.keras")(seen), network(seen), rtol=1e-6)


@pytest.mark.parametrize("xla", [False, True])
def test_the_compiled_network_is_the_network_for_batches_of_any_size(xla):
    network = dense_network(3, 4, hidden=(8,))
    compiled = CompiledNetwork(network, xla)
    for count in (1, 5, 1):
        # float64 as an environment may give it.
        seen = np.random.default_rng(count).normal(size=(count, 4))
        np.testing.assert_allclose(compiled(seen), network(seen.astype(np.float32)), rtol=1e-5, atol=1e-6)
    network.set_weights([0 * array for array in network.get_weights()])
    assert not compiled(seen).any()
    with pytest.raises(ValueError, match=r"give a batch of arrays of shape \(4,\)"):
        compiled(np.zeros(4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dueling_values(np.ones((1, 1)), np.ones((1, 2)), "median"), "give one of mean, max, naive"),
        (lambda: dense_network(2, 4, dueling="median"), "give one of mean, max, naive"),
        (lambda: nature_network(4, frame_shape=(84, 85)), "multiples of 4"),
        (lambda: nature_network(4, filters=(32, 64)), "three numbers"),
        (lambda: nature_network(4, precision="float16"), "float32, bfloat16"),
        (lambda: minatar_network(0, (10, 10, 4)), "action_count=0"),
        (lambda: dense_network(2, 4, hidden=()), "hidden is empty"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
