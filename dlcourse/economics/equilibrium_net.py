"""A network as the policy of an economy: from shock and capital of all ages to everybody's savings, in NumPy float64.

Training it is `equilibrium_training.py`; judging it is `euler_errors.py`, which sees nothing but the savings.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from dlcourse.economics.debt import debt_floors
from dlcourse.economics.olg import OLGEconomy
from dlcourse.files import open_atomically

Activation = Literal["tanh", "relu", "swish"]
Head = Literal["consumption", "annuity", "share", "level"]
KKT = Literal["min", "fischer_burmeister", "product"]

OUTPUT_BOUND = 3.0
"""The consumption head's outputs stay within these limits; exp(3) is 20 times the first guess."""

FIRST_GUESS = 0.7
"""Share of its resources that each age eats before anything is learned."""

LEAST_GUESS = 0.02
"""The annuity of somebody in debt may be nothing or less; a guess is at least this share of the resources."""

MOST_EATEN = 0.99
"""Share of its resources that an age eats at most where no limit binds: nothing saved may be nothing to live on."""


class EquilibriumNet:
    """A fully connected network over the state of an economy.

    Its inputs: z one-hot, K/L, R, w, the capital of every age but the newborn, the income of every age, less
    `input_shift` and in units of `input_scale` (see `standardise`). Its outputs become savings through the head, with
    resources = income - limit:

    - "consumption": c~ = .7 resources exp(o),  c = min(c~, resources),  a = income - c. The kink of a binding limit is
      in the minimum and not in the network.
    - "annuity": the same with c~ = annuity exp(o): what a household would eat that knew its wages to come and no risk
      (see `annuity`). The network learns only how the economy differs from that. In the analytic economy it is the
      truth, so there is nothing left to learn.
    - "share": a = limit + sigmoid(o) resources. Never beyond the means, but a share of exactly 0 is out of reach. In
      the analytic economy the true share is a constant: biases alone can be right, so it is an easy test.
    - "level": a = limit + softplus(o), as in the lecture. Nothing keeps it within the means.

    Args:
        economy: whose policy it is.
        hidden: Units of each hidden layer.
        activation: of the hidden layers.
        head: from outputs to savings.
        kkt: how the borrowing limit enters the loss: "min" and "fischer_burmeister" in one residual, "product" with a
            multiplier of its own for every age, lambda (a - limit) = 0, as in the lecture.
        seed: of the initial weights.

    Attributes:
        weights: kernel and bias of each layer in turn, float32.
        input_shift: what is taken off each input, shape (inputs,).
        input_scale: what it is then divided by, shape (inputs,).

    Raises:
        ValueError: for an unknown name, a layer without units, or "product" with a head whose minimum already holds
            savings at the limit ("consumption", "annuity"), so that no multiplier could be learned.

    Used in: Lab 08

    Reference: Lecture 004, "DEEP EQUILIBRIUM NETS"; Azinovic, Gaegauf and Scheidegger (2022).
    """

    def __init__(
        self,
        economy: OLGEconomy,
        hidden: tuple[int, ...] = (128, 128),
        activation: Activation = "tanh",
        head: Head = "consumption",
        kkt: KKT = "min",
        seed: int = 0,
    ) -> None:
        for name, value, known in (("activation", activation, Activation), ("head", head, Head), ("kkt", kkt, KKT)):
            if value not in get_args(known):
                raise ValueError(f"{name}={value!r}: choose one of {', '.join(get_args(known))}")
        if not hidden or min(hidden) < 1:
            raise ValueError(f"hidden={hidden}: at least one layer, each with at least one unit")
        if kkt == "product" and head in ("consumption", "annuity"):
            raise ValueError('kkt="product" learns a multiplier beside the savings: use head="share" or head="level"')
        self.economy = economy
        self.hidden = tuple(hidden)
        self.activation: Activation = activation
        self.head: Head = head
        self.kkt: KKT = kkt
        self.floors = debt_floors(economy)
        self.input_shift, self.input_scale = np.zeros(self.inputs), np.ones(self.inputs)
        self.weights = initial_weights((self.inputs, *self.hidden, self.outputs), np.random.default_rng(seed))

    @property
    def inputs(self) -> int:
        """Length of the input: shocks + 3 + (A - 1) + A."""
        return len(self.economy.shocks) + 3 + 2 * self.economy.cohorts - 1

    @property
    def outputs(self) -> int:
        """Length of the output: one number an age that saves, two with multipliers."""
        return (self.economy.cohorts - 1) * (2 if self.kkt == "product" else 1)

    @property
    def settings(self) -> dict[str, object]:
        """What tells this network from another one over the same economy, as JSON values."""
        return {"hidden": list(self.hidden), "activation": self.activation, "head": self.head, "kkt": self.kkt}

    @property
    def constants(self) -> dict[str, np.ndarray]:
        """What the network computes with, is stored with its weights and does not learn."""
        return {"input_shift": self.input_shift, "input_scale": self.input_scale}

    @constants.setter
    def constants(self, values: dict[str, np.ndarray]) -> None:
        self.input_shift, self.input_scale = values["input_shift"], values["input_scale"]

    def policy(self, shock: np.ndarray, capital: np.ndarray) -> np.ndarray:
        """Savings by age, computed in float64: what `euler_errors` and `simulate` ask for.

        Args:
            shock: z, integers, shape (n,).
            capital: k by age, shape (n, A).

        Returns:
            a, shape (n, A - 1).
        """
        income = self.economy.income(shock, capital)[:, :-1]
        outputs = self._forward(shock, capital)[:, : self.economy.cohorts - 1]
        resources = income - self.floors.value
        if self.head in ("consumption", "annuity"):
            guess = FIRST_GUESS * resources
            if self.head == "annuity":
                share, later_labour = annuity(self.economy)
                wage = self.economy.prices(shock, capital).wage[:, None]
                guess = np.maximum(share * (income + wage * later_labour), LEAST_GUESS * resources)
            wish = guess * np.exp(np.clip(outputs, -OUTPUT_BOUND, OUTPUT_BOUND))
            return income - np.minimum(wish, np.where(self.floors.binding, 1.0, MOST_EATEN) * resources)
        if self.head == "share":
            return self.floors.value + resources / (1 + np.exp(-outputs))
        return self.floors.value + np.logaddexp(outputs, 0.0)

    def multipliers(self, shock: np.ndarray, capital: np.ndarray) -> np.ndarray:
        """The multipliers of the borrowing limit that the network gives, in units of u'(c), shape (n, A - 1).

        Raises:
            ValueError: for a network without multipliers (`kkt` is not "product").
        """
        if self.kkt != "product":
            raise ValueError(f"a network with kkt={self.kkt!r} has no multipliers of its own")
        return np.logaddexp(self._forward(shock, capital)[:, self.economy.cohorts - 1 :], 0.0)

    def standardise(self, shock: np.ndarray, capital: np.ndarray) -> None:
        """Measures the inputs in units of their own standard deviation over some states, around their mean there.

        The young own a hundredth of what the old own, and what they do depends on it: without this the network hardly
        sees it. It changes what the network computes, so it comes before the training.

        Args:
            shock: z, integers, shape (n,).
            capital: k by age, shape (n, A).

        Raises:
            ValueError: if the states are too few or too much alike to say how the inputs move.
        """
        features = self._features(shock, capital)
        shift, scale = features.mean(axis=0), features.std(axis=0)
        count = len(self.economy.shocks)
        shift[:count], scale[:count] = 0.0, 1.0
        prices = slice(count, count + 3)
        if not (np.isfinite(scale).all() and (scale[prices] > 1e-9 * np.abs(shift[prices])).all()):
            raise ValueError(f"{len(shock)} states in which prices do not move: give a path of the economy")
        self.input_shift, self.input_scale = shift, np.maximum(scale, 1e-3)

    def save(self, path: str | Path) -> None:
        """Writes weights and settings to an `.npz` file, whole or not at all. The economy is not in it."""
        header = json.dumps(self.settings | {"cohorts": self.economy.cohorts})
        weights = {f"weight_{i}": array for i, array in enumerate(self.weights)}
        with open_atomically(Path(path)) as file:
            np.savez(file, settings=np.array(header), **self.constants, **weights)

    @classmethod
    def load(cls, path: str | Path, economy: OLGEconomy) -> EquilibriumNet:
        """Reads a network back.

        Args:
            path: file that `save` wrote.
            economy: the one it was trained on.

        Raises:
            ValueError: if the file belongs to an economy of another number of cohorts.
        """
        with np.load(path, allow_pickle=False) as stored:
            settings = json.loads(str(stored["settings"]))
            arrays = [stored[f"weight_{i}"] for i in range(sum(name.startswith("weight_") for name in stored.files))]
            constants = {name: stored[name] for name in ("input_shift", "input_scale")}
        cohorts = settings.pop("cohorts")
        if cohorts != economy.cohorts:
            raise ValueError(f"{path} is the policy of {cohorts} cohorts, the economy has {economy.cohorts}")
        net = cls(economy, **(settings | {"hidden": tuple(settings["hidden"])}))
        net.set_weights(arrays)
        net.constants = constants
        return net

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Takes over weights, layer by layer.

        Raises:
            ValueError: if their shapes are not this network's.
        """
        expected, given = [w.shape for w in self.weights], [w.shape for w in weights]
        if expected != given:
            raise ValueError(f"the weights have shapes {given}; this network has {expected}")
        self.weights = [np.asarray(array, dtype=np.float32) for array in weights]

    def _forward(self, shock: np.ndarray, capital: np.ndarray) -> np.ndarray:
        layers = (self._features(shock, capital) - self.input_shift) / self.input_scale
        for kernel, bias in zip(self.weights[:-2:2], self.weights[1:-2:2], strict=True):
            layers = _ACTIVATIONS[self.activation](layers @ kernel.astype(np.float64) + bias)
        return layers @ self.weights[-2].astype(np.float64) + self.weights[-1]

    def _features(self, shock: np.ndarray, capital: np.ndarray) -> np.ndarray:
        gross_return, wage = self.economy.prices(shock, capital)
        intensity = capital.sum(axis=1) / self.economy.total_labour
        aggregates = np.stack([intensity, gross_return, wage], axis=1)
        one_hot = np.eye(len(self.economy.shocks))[shock]
        return np.concatenate([one_hot, aggregates, capital[:, 1:], self.economy.income(shock, capital)], axis=1)


def annuity(economy: OLGEconomy) -> tuple[np.ndarray, np.ndarray]:
    """What a household would eat if wages and returns never changed again and capital returned 1/beta.

    It would spread its wealth evenly over the rest of its life:  c^h = m_h (income^h + w sum over j > h of
    beta^(j-h) l^j),   1/m_h = 1 + beta + ... + beta^(A-h).  With logarithmic utility and no labour to come that is
    the truth for any return.

    Args:
        economy: whose households they are.

    Returns:
        m_h and the labour to come in present value, both of shape (A - 1,).

    Example:
        >>> from dlcourse.economics.analytic_olg import analytic_olg, savings_shares
        >>> share, later_labour = annuity(analytic_olg())
        >>> np.allclose(1 - share, savings_shares(analytic_olg())), float(later_labour.sum())
        (True, 0.0)
    """
    weights = economy.discount ** np.arange(economy.cohorts)
    share = 1 / np.cumsum(weights)[::-1]
    ahead = [weights[1 : economy.cohorts - age] @ economy.labour[age + 1 :] for age in range(economy.cohorts - 1)]
    return share[:-1], np.array(ahead)


_ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
    "swish": lambda values: values / (1 + np.exp(-values)),
}


def initial_weights(sizes: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Kernels and biases of a network with these layer sizes; the last kernel is a hundredth of the usual size."""
    weights = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        bound = np.sqrt(6 / (fan_in + fan_out))
        weights += [rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32), np.zeros(fan_out, np.float32)]
    # Close to the first guess: an untrained network must not ruin the economy that it is to learn from.
    weights[-2] *= 0.01
    return weights
