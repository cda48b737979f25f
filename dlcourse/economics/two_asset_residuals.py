"""The two-asset economy's conditions as a loss, in TensorFlow; `two_asset_errors.py` checks the result without it.

For every age that saves, with  E_L = beta E[(R' (1 + zeta adj') - y'/kappa) u'(c')]  in which the multiplier of the
collateral constraint has cancelled:

    r_B = min((beta E[y' u'(c')] / p)^(-1/gamma), c_max) / (s c~) - 1
    r_K = (zeta/gamma) (max(0, k*) - k~) / (1 + zeta adj),    k* = R k + (p/kappa + E_L c^gamma - 1) / zeta

Both are zero exactly where the whole Karush-Kuhn-Tucker system holds. The market clears before they are computed.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from dlcourse.economics.two_asset_net import (
    CONSUMPTION_BOUND,
    CONSUMPTION_SCALE,
    PRICE_BOUND,
    PRICE_SCALE,
    RESCALING,
    SKIP_SCALE,
    TwoAssetNet,
)

_NEWTON_STEPS = 4
_SMALLEST = 1e-4
_HUBER = 0.05


class TwoAssetState(NamedTuple):
    """A batch of states: shock, int32 of shape (n,); capital and bonds by age, float32 of shape (n, A)."""

    shock: tf.Tensor
    capital: tf.Tensor
    bonds: tf.Tensor


class TwoAssetChoice(NamedTuple):
    """What the corrected policy does in a batch of states; by age that saves, shape (n, A - 1), unless said.

    Attributes:
        saved: k'.
        wanted: k~, before the constraint.
        collateral: q.
        price: p, shape (n, 1).
        consumption: c of all ages, shape (n, A).
        wish: s c~.
        most: c_max.
        adjustment: k' - R k of all ages, shape (n, A).
        gross_return: R, shape (n, 1).
        payoff: y, shape (n, 1).
        held: R k.
    """

    saved: tf.Tensor
    wanted: tf.Tensor
    collateral: tf.Tensor
    price: tf.Tensor
    consumption: tf.Tensor
    wish: tf.Tensor
    most: tf.Tensor
    adjustment: tf.Tensor
    gross_return: tf.Tensor
    payoff: tf.Tensor
    held: tf.Tensor


class TwoAssetResiduals(NamedTuple):
    """The loss and what it is made of.

    Attributes:
        loss: mean pseudo-Huber loss of both residuals, added; a scalar.
        errors: |r_K| and |r_B| side by side, shape (n, 2 (A - 1)).
        capital: the next state's k, shape (n, A).
        bonds: the next state's b, shape (n, A).
    """

    loss: tf.Tensor
    errors: tf.Tensor
    capital: tf.Tensor
    bonds: tf.Tensor


class TwoAssetConditions:
    """The conditions of one network's economy, ready to be traced into a compiled step.

    Args:
        net: the network, whose weights are given anew in each call.

    Used in: Lab 08b
    """

    State = TwoAssetState

    def __init__(self, net: TwoAssetNet) -> None:
        economy, steady, scales = net.economy, net.steady, net.scales
        self.net = net
        self.economy = economy
        self.savers = economy.cohorts - 1

        def constant(values: np.ndarray) -> tf.Tensor:
            return tf.constant(values, tf.float32)

        self.labour = constant(economy.labour)
        self.shock_values = constant(
            np.stack([economy.shocks.values[name] for name in ("depreciation", "productivity")], axis=-1)
        )
        self.transition = constant(economy.shocks.transition)
        self.cumulative = constant(np.cumsum(economy.shocks.transition, axis=1)[:, :-1])
        self.mean_shock = constant(economy.mean_shock())
        self.steady_capital, self.steady_bonds = constant(steady.capital), constant(steady.bonds)
        self.base, self.response = constant(net.base.steady), constant(net.base.response.T)
        self.scales = type(scales)(*(constant(part) for part in scales))

    def first_state(self, paths: int, seed: int) -> TwoAssetState:
        """The steady state's holdings on every path, shocks from the stationary distribution."""
        economy, steady = self.economy, self.net.steady
        rng = np.random.default_rng(seed)
        shock = rng.choice(len(economy.shocks), paths, p=economy.shocks.stationary()).astype(np.int32)
        capital, bonds = (np.tile(part.astype(np.float32), (paths, 1)) for part in (steady.capital, steady.bonds))
        return TwoAssetState(shock, capital, bonds)

    def choose(self, weights: Sequence[tf.Tensor], state: TwoAssetState) -> TwoAssetChoice:
        """The corrected policy in each state."""
        economy, savers = self.economy, self.savers
        share, zeta, kappa = economy.capital_share, economy.adjustment_cost, economy.collateral
        values = tf.gather(self.shock_values, state.shock)
        wear, shock = values[:, :1], values[:, 1:]
        total = tf.reduce_sum(state.capital, axis=1, keepdims=True)
        intensity = tf.maximum(total / economy.total_labour, _SMALLEST)
        gross_return = share * shock * intensity ** (share - 1) + 1 - wear
        wage = (1 - share) * shock * intensity**share
        payoff = tf.minimum(kappa * gross_return, 1.0)
        held = gross_return * state.capital
        assets = held + payoff * state.bonds
        income = assets + wage * self.labour

        deviations = tf.concat(
            [
                (state.capital - self.steady_capital)[:, 1:],
                (state.bonds - self.steady_bonds)[:, 1:],
                values - self.mean_shock,
            ],
            axis=1,
        )
        guess = self.base + deviations @ self.response
        aggregates = (tf.concat([total, gross_return, wage], axis=1) - self.scales.centre) / self.scales.aggregates
        features = tf.concat(
            [
                tf.one_hot(state.shock, len(economy.shocks)),
                aggregates,
                (state.capital[:, 1:] - self.scales.capital_centre) / self.scales.capital,
                (assets[:, 1:] - self.scales.assets_centre) / self.scales.assets,
            ],
            axis=1,
        )
        outputs = _forward(weights, features)
        wanted = guess[:, :savers] + self.scales.correction * outputs[:, :savers]
        eaten = tf.clip_by_value(outputs[:, savers:-1], -CONSUMPTION_BOUND, CONSUMPTION_BOUND)
        wish = tf.maximum(guess[:, savers:-1], 1e-6) * tf.exp(CONSUMPTION_SCALE * eaten)
        price = guess[:, -1:] * tf.exp(PRICE_SCALE * tf.clip_by_value(outputs[:, -1:], -PRICE_BOUND, PRICE_BOUND))

        saved = tf.nn.relu(wanted)
        adjustment = tf.pad(saved, [[0, 0], [0, 1]]) - held
        means = income - zeta / 2 * adjustment**2
        most = means[:, :-1] - (1 - price / kappa) * saved
        needed = tf.reduce_sum(means[:, :-1], axis=1) - tf.reduce_sum(saved, axis=1)
        wish = _clearing_factor(wish, most, needed)[:, None] * wish
        consumption = tf.minimum(wish, most)
        everybody = tf.maximum(tf.concat([consumption, means[:, -1:]], axis=1), _SMALLEST)
        collateral = (most - consumption) * kappa / price
        return TwoAssetChoice(
            saved, wanted, collateral, price, everybody, wish, most, adjustment, gross_return, payoff, held[:, :-1]
        )

    def residuals(
        self, weights: Sequence[tf.Tensor], state: TwoAssetState, progress: tf.Tensor | float = 1.0
    ) -> TwoAssetResiduals:
        """The loss of a batch of states, and the holdings that lead to the next ones.

        Args:
            weights: as in `TwoAssetNet.weights`.
            state: n states.
            progress: share of the training that is done; nothing here comes late.
        """
        economy = self.economy
        gamma, zeta, kappa = economy.risk_aversion, economy.adjustment_cost, economy.collateral
        now = self.choose(weights, state)
        capital = tf.pad(now.saved, [[0, 0], [1, 0]])
        bonds = tf.pad((now.collateral - now.saved) / kappa, [[0, 0], [1, 0]])
        worth_of_bond, loaded = self._worth(weights, state.shock, capital, bonds)
        eaten = now.consumption[:, :-1]
        target = (worth_of_bond / now.price) ** (-1 / gamma)
        bond = tf.minimum(target, now.most) / now.wish - 1
        best = now.held + (now.price / kappa + loaded * eaten**gamma - 1) / zeta
        own = zeta / gamma * (tf.nn.relu(best) - now.wanted) / (1 + zeta * now.adjustment[:, :-1])
        errors = tf.concat([tf.abs(own), tf.abs(bond)], axis=1)
        loss = tf.reduce_mean(_pseudo_huber(own)) + tf.reduce_mean(_pseudo_huber(bond))
        return TwoAssetResiduals(loss, errors, capital, bonds)

    def next_state(self, state: TwoAssetState, found: TwoAssetResiduals, uniforms: tf.Tensor) -> TwoAssetState:
        """The state that follows, with a shock drawn by `uniforms`, shape (n,)."""
        rows = tf.gather(self.cumulative, state.shock)
        shock = tf.reduce_sum(tf.cast(uniforms[:, None] >= rows, tf.int32), axis=1)
        return TwoAssetState(shock, found.capital, found.bonds)

    def _worth(
        self, weights: Sequence[tf.Tensor], shock: tf.Tensor, capital: tf.Tensor, bonds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """beta E[y' u'(c')] and E_L, all shocks of the next period in one batch."""
        economy = self.economy
        count, paths = len(economy.shocks), tf.shape(capital)[0]
        later = self.choose(
            weights,
            TwoAssetState(tf.repeat(tf.range(count), paths), tf.tile(capital, [count, 1]), tf.tile(bonds, [count, 1])),
        )
        marginal = later.consumption[:, 1:] ** -economy.risk_aversion
        move = 1 + economy.adjustment_cost * later.adjustment[:, 1:]
        bond = later.payoff * marginal
        loaded = (later.gross_return * move - later.payoff / economy.collateral) * marginal
        chances = tf.gather(self.transition, shock)
        bond, loaded = (
            economy.discount * tf.einsum("pz,zpa->pa", chances, tf.reshape(part, [count, paths, self.savers]))
            for part in (bond, loaded)
        )
        return bond, loaded


def _forward(weights: Sequence[tf.Tensor], features: tf.Tensor) -> tf.Tensor:
    *layers, skip = weights
    hidden = features
    for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        hidden = tf.tanh(hidden @ kernel + bias)
    return hidden @ layers[-2] + layers[-1] + SKIP_SCALE * features @ skip


def _clearing_factor(wish: tf.Tensor, most: tf.Tensor, needed: tf.Tensor) -> tf.Tensor:
    """`two_asset_net.clearing_factor` in four steps, through which gradients flow."""
    factor = tf.ones_like(needed)
    for _ in range(_NEWTON_STEPS):
        scaled = factor[:, None] * wish
        gap = tf.reduce_sum(tf.minimum(scaled, most), axis=1) - needed
        slope = tf.reduce_sum(tf.where(scaled < most, wish, 0.0), axis=1)
        factor = tf.clip_by_value(factor - gap / tf.maximum(slope, 1e-6), *RESCALING)
    return factor


def _pseudo_huber(residual: tf.Tensor) -> tf.Tensor:
    """A square near zero and a straight line far away, with the bend at .05."""
    return _HUBER**2 * (tf.sqrt(1 + (residual / _HUBER) ** 2) - 1)
