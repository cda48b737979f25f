"""The lecture's Algorithm 1 as printed: one long path, then epochs of mini-batches over it."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from dlcourse.economics.debt import reference_intensity
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_residuals import EquilibriumConditions, State
from dlcourse.economics.euler_errors import simulate
from dlcourse.progress import track


@dataclass(frozen=True, eq=False)
class EpisodeErrors:
    """What Algorithm 1 records.

    Attributes:
        success: whether both thresholds were reached.
        mean: mean |residual| of each new episode, before it is learned from (epsilon^mean).
        maximum: its maximum (epsilon^max).
        gradient_steps: taken in all.
    """

    success: bool
    mean: np.ndarray
    maximum: np.ndarray
    gradient_steps: int


def algorithm_1(
    net: EquilibriumNet,
    *,
    episode_length: int = 10_000,
    epochs: int = 10,
    batch_size: int = 1_000,
    iterations: int = 100,
    mean_threshold: float = 1e-3,
    maximum_threshold: float = 1e-2,
    learning_rate: float = 1e-5,
    seed: int = 0,
) -> EpisodeErrors:
    """Trains as on the slide: simulate an episode, measure its errors, learn from it for some epochs, go on.

    While the thresholds are missed and iterations are left:  D <- {x_1, ..., x_T} simulated under the current weights;
    its errors; N^epochs times over D in shuffled mini-batches:  rho <- rho - alpha grad l_D(rho),
    with Adam's step in the place of the plain one, as the authors do.

    Args:
        net: the network; its weights change.
        episode_length: T, at least 1.
        epochs: N^epochs.
        batch_size: states of one gradient step, at most T.
        iterations: N^iter.
        mean_threshold: tau^mean, a fraction of consumption.
        maximum_threshold: tau^max.
        learning_rate: alpha^learn.
        seed: of shocks and shuffling.

    Returns:
        The errors of each episode.

    Raises:
        ValueError: for sizes below 1 or a batch longer than the episode.
        BrokenEconomyError: if an episode leaves the region where the economy exists.

    Used in: Lab 08

    Reference: Lecture 004, "DEEP EQUILIBRIUM NETS", Algorithm 1; Azinovic, Gaegauf and Scheidegger (2019).
    """
    if min(episode_length, epochs, batch_size, iterations) < 1 or batch_size > episode_length:
        raise ValueError(
            f"episode_length={episode_length}, epochs={epochs}, batch_size={batch_size}, iterations={iterations}: "
            "each at least 1, and a batch no longer than the episode"
        )
    conditions = EquilibriumConditions(net)
    variables = [tf.Variable(weight) for weight in net.weights]
    optimizer = keras.optimizers.Adam(learning_rate)
    rng = np.random.default_rng(seed)
    economy = net.economy
    start = np.full(economy.cohorts, reference_intensity(economy) * economy.total_labour / (economy.cohorts - 1))
    start[0] = 0.0

    @tf.function
    def errors_of(shock: tf.Tensor, capital: tf.Tensor) -> tf.Tensor:
        return conditions.residuals(variables, State(shock, capital)).errors

    @tf.function
    def learn(shock: tf.Tensor, capital: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = conditions.residuals(variables, State(shock, capital)).loss
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    means, maxima, steps = [], [], 0
    success = False
    for episode in track(range(iterations), "Algorithm 1", unit="episode"):
        path = simulate(economy, net.policy, episode_length, seed=seed + episode, start=start)
        start = path.capital[-1]
        shock, capital = path.shocks.astype(np.int32), path.capital.astype(np.float32)
        errors = errors_of(shock, capital).numpy()
        means.append(float(errors.mean()))
        maxima.append(float(errors.max()))
        success = means[-1] < mean_threshold and maxima[-1] < maximum_threshold
        if success:
            break
        for _ in range(epochs):
            order = rng.permutation(episode_length)
            for first in range(0, episode_length - batch_size + 1, batch_size):
                chosen = order[first : first + batch_size]
                learn(shock[chosen], capital[chosen])
                steps += 1
        net.set_weights([variable.numpy() for variable in variables])
    return EpisodeErrors(success, np.array(means), np.array(maxima), steps)
