"""A network that corrects a linear policy of the two-asset economy, with markets that clear exactly; in NumPy float64.

    (k~, c~, p) = base(s) corrected by the network:  k~ + (sd_k + eps) o_k,   c~ exp(.03 o_c),   p exp(.005 o_p)
    k' = max(k~, 0)
    c_max = income - (zeta/2) adj^2 - (1 - p/kappa) k'            what can be eaten when q = 0
    c = min(s c~, c_max),  one number s for all ages such that  sum_savers c = sum_savers (income - (zeta/2) adj^2) - K'
    q = (c_max - c) kappa / p

The constraints hold by construction, and so does  sum_h b' = 0 wherever s is within `RESCALING`: it is what the
equation for s says. `two_asset_errors` reports by how much the market misses zero elsewhere.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), Deep equilibrium nets.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlcourse.economics.equilibrium_net import initial_weights
from dlcourse.economics.two_asset_base import BaseName, SteadyState, base_policy
from dlcourse.economics.two_asset_olg import Choices, TwoAssetEconomy
from dlcourse.files import open_atomically

Floats = NDArray[np.float64]

CONSUMPTION_SCALE, CONSUMPTION_BOUND = 0.03, 10.0
PRICE_SCALE, PRICE_BOUND = 0.005, 5.0
SKIP_SCALE = 0.2
"""The inputs reach the outputs along a linear path of their own, at this scale."""

RESCALING = (0.5, 2.0)
"""The common factor s that clears the market stays within these limits."""

_CLEARING_STEPS = 30


class Scales(NamedTuple):
    """What the network's inputs and outputs are measured in, so that they are of size one.

    Attributes:
        centre: steady values of K, R and w.
        aggregates: typical deviations of K, R and w.
        capital: of k by age, shape (A - 1,).
        assets: of R k + y b by age, shape (A - 1,).
        correction: of the correction of k', shape (A - 1,).
        capital_centre: k of the ages that hold any, in the steady state.
        assets_centre: R k + y b of the same ages.
    """

    centre: Floats
    aggregates: Floats
    capital: Floats
    assets: Floats
    correction: Floats
    capital_centre: Floats
    assets_centre: Floats


class TwoAssetNet:
    """The corrected policy.

    Args:
        economy: whose policy it is; its steady state and first-order solution are computed here.
        hidden: units of each hidden layer (tanh).
        base: "perturbation", "wealth" or "constant".
        seed: of the initial weights.

    Attributes:
        weights: kernel and bias of each layer, then the kernel of the linear path; float32.

    Raises:
        ValueError: for a layer without units or an unknown base.
        NoSteadyStateError, NoLinearPolicyError: if the economy has no base.

    Used in: Lab 08b
    """

    def __init__(
        self,
        economy: TwoAssetEconomy,
        hidden: tuple[int, ...] = (128, 128),
        base: BaseName = "perturbation",
        seed: int = 0,
    ) -> None:
        if not hidden or min(hidden) < 1:
            raise ValueError(f"hidden={hidden}: at least one layer, each with at least one unit")
        self.economy = economy
        self.hidden = tuple(hidden)
        self.steady = SteadyState.of(economy)
        self.base = base_policy(economy, self.steady, base)
        self.scales = _scales(economy, self.steady, self.base.spread, self.base.capital_spread)
        sizes = (self.inputs, *self.hidden, self.outputs)
        skip = np.zeros((self.inputs, self.outputs), np.float32)
        self.weights = [*initial_weights(sizes, np.random.default_rng(seed)), skip]

    @property
    def inputs(self) -> int:
        """Length of the input: shocks + 3 + 2 (A - 1)."""
        return len(self.economy.shocks) + 3 + 2 * (self.economy.cohorts - 1)

    @property
    def outputs(self) -> int:
        """Length of the output: corrections of k' and c by age that saves, and of p."""
        return 2 * (self.economy.cohorts - 1) + 1

    @property
    def settings(self) -> dict[str, object]:
        """What tells this network from another one over the same economy, as JSON values."""
        return {"hidden": list(self.hidden), "base": self.base.name}

    @property
    def constants(self) -> dict[str, NDArray]:
        """What the network computes with and does not learn is computed from the economy: nothing to store."""
        return {}

    @constants.setter
    def constants(self, values: dict[str, NDArray]) -> None:
        if values:
            raise ValueError(f"this network has no constants of its own, got {', '.join(values)}")

    def set_weights(self, weights: list[NDArray]) -> None:
        """Takes over weights.

        Raises:
            ValueError: if their shapes are not this network's.
        """
        expected, given = [w.shape for w in self.weights], [np.shape(w) for w in weights]
        if expected != given:
            raise ValueError(f"the weights have shapes {given}; this network has {expected}")
        self.weights = [np.asarray(array, dtype=np.float32) for array in weights]

    def policy(self, shock: NDArray[np.integer], capital: Floats, bonds: Floats) -> Choices:
        """Choices in float64: what `two_asset_errors` asks for.

        Args:
            shock: z, shape (n,).
            capital: k by age, shape (n, A).
            bonds: b by age, shape (n, A).
        """
        economy = self.economy
        savers, kappa, zeta = economy.cohorts - 1, economy.collateral, economy.adjustment_cost
        values = np.stack([economy.shocks.values[name][shock] for name in ("depreciation", "productivity")], axis=-1)
        idle = np.zeros((len(capital), savers))
        accounts = economy.period(capital, bonds, values, Choices(idle, idle, np.zeros(len(capital))))
        gross_return = accounts.gross_return[:, None]
        assets = gross_return * capital + accounts.bond_payoff[:, None] * bonds

        deviations = np.concatenate(
            [(capital - self.steady.capital)[:, 1:], (bonds - self.steady.bonds)[:, 1:], values - economy.mean_shock()],
            axis=1,
        )
        guess = self.base.steady + deviations @ self.base.response.T
        aggregates = np.stack([capital.sum(axis=1), accounts.gross_return, accounts.wage], axis=1)
        correction = self._forward(self._features(shock, aggregates, capital, assets))
        wanted = guess[:, :savers] + self.scales.correction * correction[:, :savers]
        eaten = correction[:, savers:-1].clip(-CONSUMPTION_BOUND, CONSUMPTION_BOUND)
        wish = guess[:, savers:-1].clip(min=1e-6) * np.exp(CONSUMPTION_SCALE * eaten)
        price = guess[:, -1] * np.exp(PRICE_SCALE * correction[:, -1].clip(-PRICE_BOUND, PRICE_BOUND))

        saved = np.maximum(wanted, 0.0)
        adjustment = saved - gross_return * capital[:, :-1]
        means = accounts.income[:, :-1] - zeta / 2 * adjustment**2
        most = means - (1 - price[:, None] / kappa) * saved
        factor = clearing_factor(wish, most, means.sum(axis=1) - saved.sum(axis=1))
        consumption = np.minimum(factor[:, None] * wish, most)
        return Choices(saved, (most - consumption) * kappa / price[:, None], price)

    def uncorrected(self) -> TwoAssetNet:
        """The base policy alone, within the same limits and with the same clearing: all weights are zero."""
        alone = copy.copy(self)
        alone.weights = [np.zeros_like(weight) for weight in self.weights]
        return alone

    def save(self, path: str | Path) -> None:
        """Writes weights and settings to an `.npz` file, whole or not at all. The economy is not in it."""
        header = json.dumps(self.settings | {"cohorts": self.economy.cohorts})
        with open_atomically(Path(path)) as file:
            np.savez(file, settings=np.array(header), **{f"weight_{i}": array for i, array in enumerate(self.weights)})

    @classmethod
    def load(cls, path: str | Path, economy: TwoAssetEconomy) -> TwoAssetNet:
        """Reads a network back.

        Raises:
            ValueError: if the file belongs to an economy of another number of cohorts.
        """
        with np.load(path, allow_pickle=False) as stored:
            settings = json.loads(str(stored["settings"]))
            arrays = [stored[f"weight_{i}"].astype(np.float32) for i in range(len(stored.files) - 1)]
        if settings["cohorts"] != economy.cohorts:
            raise ValueError(f"{path} is a policy of {settings['cohorts']} cohorts, the economy has {economy.cohorts}")
        net = cls(economy, tuple(settings["hidden"]), settings["base"])
        net.set_weights(arrays)
        return net

    def _features(self, shock: NDArray[np.integer], aggregates: Floats, capital: Floats, assets: Floats) -> Floats:
        scales = self.scales
        return np.concatenate(
            [
                np.eye(len(self.economy.shocks))[shock],
                (aggregates - scales.centre) / scales.aggregates,
                (capital[:, 1:] - scales.capital_centre) / scales.capital,
                (assets[:, 1:] - scales.assets_centre) / scales.assets,
            ],
            axis=1,
        )

    def _forward(self, features: Floats) -> Floats:
        *layers, skip = (array.astype(np.float64) for array in self.weights)
        hidden = features
        for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            hidden = np.tanh(hidden @ kernel + bias)
        return hidden @ layers[-2] + layers[-1] + SKIP_SCALE * features @ skip


def clearing_factor(wish: Floats, most: Floats, needed: Floats) -> Floats:
    """The factor s, the same for all ages, with which  sum_h min(s c~_h, c_max_h)  is what is left to eat.

    The sum rises in s and bends down where an age meets its limit, so Newton's method arrives exactly.

    Args:
        wish: c~ > 0, shape (n, A - 1).
        most: c_max, shape (n, A - 1).
        needed: what the ages that save eat together, shape (n,).

    Returns:
        s, shape (n,), within `RESCALING`.

    Example:
        >>> clearing_factor(np.array([[1.0, 1.0]]), np.array([[5.0, 1.1]]), np.array([2.5])).round(6).tolist()
        [1.4]

    Used in: Lab 08b
    """
    factor = np.ones(len(wish))
    for _ in range(_CLEARING_STEPS):
        scaled = factor[:, None] * wish
        free = scaled < most
        gap = np.where(free, scaled, most).sum(axis=1) - needed
        slope = np.maximum(np.where(free, wish, 0.0).sum(axis=1), 1e-12)
        moved = (factor - gap / slope).clip(*RESCALING)
        if np.array_equal(moved, factor):
            break
        factor = moved
    return factor


def _scales(
    economy: TwoAssetEconomy, steady: SteadyState, spread: tuple[Floats, Floats], capital_spread: float
) -> Scales:
    accounts, total = steady.period, float(steady.capital.sum())
    gross_return, wage = float(accounts.gross_return), float(accounts.wage)
    wear, shock = np.sqrt(economy.shock_variance())
    product = gross_return - 1 + economy.mean_shock()[0]
    share, relative = economy.capital_share, capital_spread / total
    typical_return = np.sqrt((product * shock) ** 2 + wear**2 + ((1 - share) * product * relative) ** 2)
    typical_wage = wage * np.hypot(shock, share * relative)
    # An age that holds next to nothing still needs a scale: a small part of the average holding.
    least = 1e-3 * total / economy.cohorts
    assets = gross_return * steady.capital + float(accounts.bond_payoff) * steady.bonds
    return Scales(
        np.array([total, gross_return, wage]),
        # Without risk nothing moves, and an input that is always zero may be measured in anything but zero.
        np.maximum([capital_spread, typical_return, typical_wage], [1e-3 * total, 1e-6, 1e-6]),
        spread[0] + least,
        spread[1] + least,
        spread[0] + 4 * least,
        steady.capital[1:],
        assets[1:],
    )
