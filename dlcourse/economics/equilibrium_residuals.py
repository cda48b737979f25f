"""The equilibrium conditions as a loss, in TensorFlow: one forward pass gives the residuals and the next state.

Used by `equilibrium_training.py`. `euler_errors.py` checks the result without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from dlcourse.economics.debt import reference_intensity
from dlcourse.economics.equilibrium_net import (
    FIRST_GUESS,
    LEAST_GUESS,
    MOST_EATEN,
    OUTPUT_BOUND,
    EquilibriumNet,
    annuity,
)

_LEAST_INTENSITY = 1e-6

_NO_DEBT_UNTIL, _ALL_DEBT_FROM = 0.1, 0.4
"""Shares of the training between which the borrowing limit falls from 0 to where it belongs."""


class State(NamedTuple):
    """A batch of states: shock, int32 of shape (n,), and capital by age, float32 of shape (n, A)."""

    shock: tf.Tensor
    capital: tf.Tensor


class Choice(NamedTuple):
    """What the network chooses in a batch of states, each of shape (n, A - 1) but the last.

    Attributes:
        savings: a by age.
        wish: c~, consumption before the limit is applied; c itself in the heads that know no wish.
        consumption: c of all ages, shape (n, A).
        resources: income - limit.
        multiplier: lambda / u'(c), or None.
        overdraft: by how much savings exceed the means, as a share of them; zero where all is well.
        gross_return: R, shape (n,).
    """

    savings: tf.Tensor
    wish: tf.Tensor
    consumption: tf.Tensor
    resources: tf.Tensor
    multiplier: tf.Tensor | None
    overdraft: tf.Tensor
    gross_return: tf.Tensor


class Residuals(NamedTuple):
    """The loss and what it is made of.

    Attributes:
        loss: mean square of all residuals, a scalar.
        errors: |residual| of the main condition, shape (n, A - 1).
        savings: a, shape (n, A - 1): the next state's capital.
    """

    loss: tf.Tensor
    errors: tf.Tensor
    savings: tf.Tensor


class EquilibriumConditions:
    """The conditions of one network's economy, ready to be traced into a compiled step.

    For every age that saves, with  target = (beta E[R' u'(c')])^(-1/gamma),  resources = income - limit:

    - "min":  min(target, resources) / c~ - 1 = 0  holds exactly when the whole Karush-Kuhn-Tucker system holds.
    - "fischer_burmeister":  x + y - sqrt(x^2 + y^2) = 0  with  x = resources/c~ - 1,  y = target/c~ - 1: the same
      zeros, without the minimum's corner.
    - "product":  (beta E[R' u'(c')] + lambda)^(-1/gamma)/c - 1 = 0  and  lambda (a - limit) = 0  with a learned
      lambda >= 0. The slide writes lambda inside beta E[.]; it belongs outside.

    Args:
        net: the network, whose weights are given anew in each call.

    Used in: Lab 08

    Reference: Lecture 004, "FUNCTIONAL RATIONAL EXPECTATIONS EQUILIBRIUM" and "DEEP EQUILIBRIUM NETS".
    """

    State = State

    def __init__(self, net: EquilibriumNet) -> None:
        economy = net.economy
        self.net = net
        self.economy = economy
        self.savers = economy.cohorts - 1
        self.labour = tf.constant(economy.labour, tf.float32)
        self.productivity = tf.constant(economy.productivity, tf.float32)
        self.depreciation = tf.constant(economy.depreciation, tf.float32)
        self.transition = tf.constant(economy.shocks.transition, tf.float32)
        self.cumulative = tf.constant(np.cumsum(economy.shocks.transition, axis=1)[:, :-1], tf.float32)
        self.floor = tf.constant(net.floors.value, tf.float32)
        # The old of 24 ages may own a billionth of what the young own; but u'' = c^-(gamma+1) must fit into float32.
        self.least = max(1e-12, 10.0 ** (-30 / (economy.risk_aversion + 1)))
        self.most_eaten = tf.constant(np.where(net.floors.binding, 1.0, MOST_EATEN), tf.float32)
        self.annuity, self.later_labour = (tf.constant(values, tf.float32) for values in annuity(economy))
        self.input_shift = tf.constant(net.input_shift, tf.float32)
        self.input_scale = tf.constant(net.input_scale, tf.float32)
        # Where no limit binds, resources must never be the smaller of the two.
        self.free = tf.constant(np.where(net.floors.binding, 0.0, np.inf), tf.float32)

    def first_state(self, paths: int, seed: int) -> State:
        """Shocks from the stationary distribution; capital around the reference, unevenly spread over the ages."""
        economy, rng = self.economy, np.random.default_rng(seed)
        shock = rng.choice(len(economy.shocks), paths, p=economy.shocks.stationary()).astype(np.int32)
        shares = rng.uniform(0.5, 1.5, (paths, economy.cohorts))
        shares[:, 0] = 0.0
        total = reference_intensity(economy) * economy.total_labour * rng.uniform(0.8, 1.2, (paths, 1))
        return State(shock, (total * shares / shares.sum(axis=1, keepdims=True)).astype(np.float32))

    def choose(self, weights: Sequence[tf.Tensor], state: State, looseness: tf.Tensor | float = 1.0) -> Choice:
        """Consumption and savings that the network picks in each state, with `looseness` times the debt allowed."""
        floor = looseness * self.floor
        share, labour = self.economy.capital_share, self.economy.total_labour
        total = tf.reduce_sum(state.capital, axis=1)
        intensity = tf.maximum(total / labour, _LEAST_INTENSITY)
        productivity = tf.gather(self.productivity, state.shock)
        gross_return = share * productivity * intensity ** (share - 1) + 1 - tf.gather(self.depreciation, state.shock)
        wage = (1 - share) * productivity * intensity**share
        income = gross_return[:, None] * state.capital + wage[:, None] * self.labour
        aggregates = tf.stack([intensity, gross_return, wage], axis=1)
        one_hot = tf.one_hot(state.shock, len(self.economy.shocks))
        outputs = self._forward(weights, tf.concat([one_hot, aggregates, state.capital[:, 1:], income], axis=1))

        before = income[:, :-1]
        resources = tf.maximum(before - floor, self.least)
        raw = outputs[:, : self.savers]
        overdraft = tf.zeros_like(raw)
        if self.net.head in ("consumption", "annuity"):
            guess = FIRST_GUESS * resources
            if self.net.head == "annuity":
                evenly = self.annuity * (before + wage[:, None] * self.later_labour)
                guess = tf.maximum(evenly, LEAST_GUESS * resources)
            wish = guess * tf.exp(tf.clip_by_value(raw, -OUTPUT_BOUND, OUTPUT_BOUND))
            eaten = tf.minimum(wish, self.most_eaten * resources)
        elif self.net.head == "share":
            eaten = wish = resources * tf.sigmoid(-raw)
        else:
            saved = tf.math.softplus(raw)
            eaten = wish = tf.maximum(resources - saved, 0.01 * resources)
            overdraft = tf.nn.relu(saved / resources - 0.99)
        multiplier = tf.math.softplus(outputs[:, self.savers :]) if self.net.kkt == "product" else None
        consumption = tf.concat([eaten, tf.maximum(income[:, -1:], self.least)], axis=1)
        return Choice(before - eaten, wish, consumption, resources, multiplier, overdraft, gross_return)

    def residuals(self, weights: Sequence[tf.Tensor], state: State, progress: tf.Tensor | float = 1.0) -> Residuals:
        """The loss of a batch of states, and the savings that lead to the next ones.

        Debt comes late: a network that allows it before it knows what capital earns lets the economy starve.

        Args:
            weights: kernel and bias of each layer in turn.
            state: n states.
            progress: share of the training that is done, 0 to 1. The borrowing limit falls from 0 to where it belongs
                between a tenth and four tenths of it.
        """
        looseness = tf.clip_by_value((progress - _NO_DEBT_UNTIL) / (_ALL_DEBT_FROM - _NO_DEBT_UNTIL), 0.0, 1.0)
        now = self.choose(weights, state, looseness)
        value = self._value_of_saving(weights, state.shock, now.savings, looseness)
        exponent = -1.0 / self.economy.risk_aversion
        if self.net.kkt == "product":
            eaten = now.consumption[:, :-1]
            total = value + now.multiplier * eaten**-self.economy.risk_aversion
            main = total**exponent / eaten - 1
            slack = tf.where(self.free > 0, now.multiplier, now.multiplier * (now.savings - looseness * self.floor))
            loss = tf.reduce_mean(main**2) + tf.reduce_mean(slack**2)
        else:
            target = value**exponent
            if self.net.kkt == "min":
                main = tf.minimum(target, now.resources + self.free) / now.wish - 1
            else:
                slack, euler = now.resources / now.wish - 1, target / now.wish - 1
                # The root's derivative has no value at the origin, which is where training leads.
                smooth = slack + euler - tf.sqrt(slack**2 + euler**2 + 1e-12)
                main = tf.where(self.free > 0, euler, smooth)
            loss = tf.reduce_mean(main**2)
        return Residuals(loss + tf.reduce_mean(now.overdraft**2), tf.abs(main), now.savings)

    def next_state(self, state: State, found: Residuals, uniforms: tf.Tensor) -> State:
        """The state that follows: a shock drawn with `uniforms`, shape (n,), and savings as the next ages' capital."""
        rows = tf.gather(self.cumulative, state.shock)
        shock = tf.reduce_sum(tf.cast(uniforms[:, None] >= rows, tf.int32), axis=1)
        return State(shock, tf.pad(found.savings, [[0, 0], [1, 0]]))

    def _value_of_saving(
        self, weights: Sequence[tf.Tensor], shock: tf.Tensor, savings: tf.Tensor, looseness: tf.Tensor | float
    ) -> tf.Tensor:
        """beta E[R' u'(c')], shape (n, A - 1): all shocks of the next period in one batch."""
        count, paths = len(self.economy.shocks), tf.shape(savings)[0]
        capital = tf.tile(tf.pad(savings, [[0, 0], [1, 0]]), [count, 1])
        later = self.choose(weights, State(tf.repeat(tf.range(count), paths), capital), looseness)
        worth = later.gross_return[:, None] * later.consumption[:, 1:] ** -self.economy.risk_aversion
        worth = tf.reshape(worth, [count, paths, self.savers])
        return self.economy.discount * tf.einsum("pz,zpa->pa", tf.gather(self.transition, shock), worth)

    def _forward(self, weights: Sequence[tf.Tensor], features: tf.Tensor) -> tf.Tensor:
        activation = {"tanh": tf.tanh, "relu": tf.nn.relu, "swish": tf.nn.silu}[self.net.activation]
        features = (features - self.input_shift) / self.input_scale
        for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            features = activation(features @ kernel + bias)
        return features @ weights[-2] + weights[-1]
