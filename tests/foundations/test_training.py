"""The training loop: what a step sees, when training ends, and which weights are left."""

import keras
import numpy as np
import pytest

from dlcourse.foundations.initializers import glorot_uniform
from dlcourse.foundations.network import FeedForwardNetwork
from dlcourse.foundations.optimizers import Adam, GradientDescent, Momentum
from dlcourse.foundations.training import History, Validation, train, train_epoch


class Recorder(FeedForwardNetwork):
    """A network that remembers the inputs of each training step."""

    def forward(self, x, rng=None):
        if rng is not None:
            self.__dict__.setdefault("seen", []).append(x[:, 0].tolist())
        return super().forward(x, rng)


def negative_error(outputs, targets):
    return -float(np.abs(outputs - targets).mean())


def noisy_line(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8))
    return x, x[:, :1] + rng.normal(size=(n, 1))


def test_every_sample_is_seen_once_an_epoch_in_a_new_order():
    network, rng = Recorder((1, 1)), np.random.default_rng(0)
    x = np.arange(10.0)[:, np.newaxis] / 10
    for _ in range(2):
        train_epoch(network, GradientDescent(1e-3), x, x, rng, batch_size=4)
    assert [len(batch) for batch in network.seen] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(network.seen[:3]), np.concatenate(network.seen[3:])
    assert sorted(first) == sorted(second) == x[:, 0].tolist()
    assert (first != second).any()


def test_order_is_kept_without_shuffle_and_whole_batch_is_one_step():
    network = Recorder((1, 1))
    x = np.arange(5.0)[:, np.newaxis] / 10
    rng = np.random.default_rng(0)
    train_epoch(network, GradientDescent(1e-3), x, x, rng, batch_size=2, shuffle=False)
    assert np.concatenate(network.seen).tolist() == x[:, 0].tolist()
    network.seen.clear()
    optimizer = GradientDescent(1e-3)
    train_epoch(network, optimizer, x, x, rng, batch_size=None)
    assert [len(batch) for batch in network.seen] == [5]
    assert optimizer.iterations == 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        # Keras rounds its settings to float32: these are exact in it.
        (Adam(2**-7, beta_1=0.875, beta_2=1 - 2**-10), keras.optimizers.Adam(2**-7, beta_1=0.875, beta_2=1 - 2**-10)),
        (Momentum(2**-5, momentum=0.75), keras.optimizers.SGD(2**-5, momentum=0.75)),
    ],
)
def test_training_goes_where_keras_goes(ours, theirs):
    rng = np.random.default_rng(0)
    # Keras' fit hands data on in float32, so the numbers here have to fit in it; all arithmetic is in float64.
    x = rng.normal(size=(50, 4)).astype(np.float32).astype(np.float64)
    t = np.eye(3)[rng.integers(3, size=50)]
    network = FeedForwardNetwork((4, 6, 5, 3), "tanh", "softmax", "cross_entropy")
    network.initialize(glorot_uniform, rng)

    model = keras.Sequential([keras.Input((4,), dtype="float64")])
    for W, b, activation in zip(network.weights, network.biases, ("tanh", "tanh", "softmax"), strict=True):
        model.add(keras.layers.Dense(W.shape[1], activation, dtype="float64"))
        model.layers[-1].set_weights([W, b])
    model.compile(theirs, "categorical_crossentropy", jit_compile=False)
    record = model.fit(x, t, batch_size=16, epochs=5, shuffle=False, verbose=0)
    history = train(network, ours, x, t, rng, epochs=5, batch_size=16, shuffle=False)

    np.testing.assert_allclose(history.loss, record.history["loss"], rtol=1e-5)
    for layer, W, b in zip(model.layers, network.weights, network.biases, strict=True):
        np.testing.assert_allclose(W, layer.get_weights()[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(b, layer.get_weights()[1], rtol=1e-6, atol=1e-8)


def test_early_stopping_waits_its_patience_and_brings_the_best_weights_back():
    x, t = noisy_line(30, 0)
    x_validation, t_validation = noisy_line(200, 1)
    network = FeedForwardNetwork((8, 60, 1))
    rng = np.random.default_rng(0)
    network.initialize(glorot_uniform, rng)
    validation = Validation(x_validation, t_validation, negative_error)
    history = train(network, Adam(0.01), x, t, rng, epochs=500, validation=validation, patience=7)

    curve = history.validation_loss
    # 30 noisy samples and 601 parameters: it must overfit, so the best epoch is not the last.
    assert len(curve) < 500
    assert history.best_epoch == np.argmin(curve) + 1 == len(curve) - 7
    phase = network.forward(x_validation)
    assert network.loss(phase, t_validation) == min(curve) < curve[-1]
    assert negative_error(phase.outputs, t_validation) == history.validation_score[history.best_epoch - 1]


def test_best_weights_come_back_where_the_epochs_run_out_first():
    x, t = noisy_line(30, 0)
    network = FeedForwardNetwork((8, 60, 1))
    rng = np.random.default_rng(0)
    network.initialize(glorot_uniform, rng)
    validation = Validation(*noisy_line(200, 1), negative_error)
    history = train(network, Adam(0.01), x, t, rng, epochs=100, validation=validation, patience=1000)
    assert len(history.loss) == 100
    assert network.loss(network.forward(validation.x), validation.t) == min(history.validation_loss)


def test_divergence_ends_training_with_the_last_good_weights_and_no_stray_warning(recwarn):
    x, t = noisy_line(40, 0)
    network = FeedForwardNetwork((8, 5, 1))
    rng = np.random.default_rng(0)
    network.initialize(glorot_uniform, rng)
    history = train(network, GradientDescent(10.0), x, t, rng, epochs=100, batch_size=10)
    assert history.diverged
    assert len(history.loss) < 100
    assert np.isfinite(history.loss[:-1]).all()
    assert np.isfinite(network.parameters).all()
    assert not recwarn.list


def test_last_good_weights_are_those_at_the_end_of_the_last_finite_epoch():
    x, t = noisy_line(40, 0)
    networks = [FeedForwardNetwork((8, 1)) for _ in range(2)]
    good = train(networks[0], GradientDescent(0.5), x, t, np.random.default_rng(0), epochs=2)
    optimizer = GradientDescent(0.5)
    rng = np.random.default_rng(0)
    history = train(networks[1], optimizer, x, t, rng, epochs=2)
    optimizer.learning_rate = 1e300
    train(networks[1], optimizer, x, t, rng, epochs=5, history=history)
    assert history.diverged and not good.diverged
    assert history.loss[:2] == good.loss
    np.testing.assert_array_equal(networks[0].parameters, networks[1].parameters)


def test_measuring_a_validation_set_does_not_change_training():
    x, t = noisy_line(40, 0)
    parameters = []
    for validation in (None, Validation(*noisy_line(20, 1), negative_error)):
        network = FeedForwardNetwork((8, 6, 1), dropout=0.5)
        rng = np.random.default_rng(0)
        network.initialize(glorot_uniform, rng)
        train(network, Adam(0.01), x, t, rng, epochs=5, validation=validation)
        parameters.append(network.parameters)
    np.testing.assert_array_equal(*parameters)


def test_a_record_is_gone_on_with():
    x, t = noisy_line(20, 0)
    network, optimizer, rng, history = FeedForwardNetwork((8, 1)), Adam(), np.random.default_rng(0), History()
    for _ in range(3):
        assert train(network, optimizer, x, t, rng, epochs=2, history=history) is history
    assert len(history.loss) == 6


def test_patience_without_a_validation_set_is_refused():
    x, t = noisy_line(20, 0)
    with pytest.raises(ValueError, match="give a validation set"):
        train(FeedForwardNetwork((8, 1)), Adam(), x, t, np.random.default_rng(0), epochs=1, patience=3)
