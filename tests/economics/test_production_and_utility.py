"""Prices are derivatives of output, marginal utility is the derivative of utility."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from dlcourse.economics.production import factor_prices, output
from dlcourse.economics.utility import CRRA

POSITIVE = st.floats(0.05, 50)


@given(
    capital=POSITIVE, labour=POSITIVE, productivity=st.floats(0.5, 2), wear=st.floats(0, 1), share=st.floats(0.1, 0.9)
)
def test_prices_are_the_derivatives_of_output_and_pay_it_out(capital, labour, productivity, wear, share):
    prices = factor_prices(capital, labour, productivity, wear, share)
    step = 1e-5
    for price, up, down in (
        (prices.gross_return, (capital * (1 + step), labour), (capital * (1 - step), labour)),
        (prices.wage, (capital, labour * (1 + step)), (capital, labour * (1 - step))),
    ):
        rise = output(*up, productivity, wear, share) - output(*down, productivity, wear, share)
        run = sum(up) - sum(down)
        np.testing.assert_allclose(price, rise / run, rtol=1e-5, atol=1e-8)
    earned = prices.gross_return * capital + prices.wage * labour
    np.testing.assert_allclose(earned, output(capital, labour, productivity, wear, share), rtol=1e-12)


@given(gamma=st.floats(0.2, 8), consumption=st.floats(0.05, 20))
def test_marginal_utility_adds_up_to_utility(gamma, consumption):
    utility = CRRA(gamma)
    gained = integrate.quad(utility.marginal, consumption, 2 * consumption, epsabs=0)[0]
    np.testing.assert_allclose(utility(2 * consumption) - utility(consumption), gained, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(utility.inverse_marginal(utility.marginal(consumption)), consumption, rtol=1e-9)


def test_the_logarithm_is_the_limit_at_gamma_one():
    consumption = np.array([0.1, 1.0, 3.0])
    np.testing.assert_array_equal(CRRA(1.0)(consumption), np.log(consumption))
    np.testing.assert_allclose(CRRA(1 + 1e-9)(consumption), np.log(consumption), atol=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: factor_prices(0.0, 1, 1, 0.5, 0.3), "capital must be positive"),
        (
            lambda: factor_prices(1, [1, -2.0], 1, 0.5, 0.3),
            "everywhere; its smallest value is -2",
        ),
        (lambda: factor_prices(1, 1, np.nan, 0.5, 0.3), "productivity must be positive"),
        (lambda: factor_prices(1, 1, 1, 1.5, 0.3), "share from 0 to 1"),
        (lambda: output(1, 1, 1, 0.5, 1.0), "strictly between 0 and 1"),
        (lambda: CRRA(0.0), "gamma is a positive"),
        (lambda: CRRA(2.0).marginal(-0.1), "consumption must be positive"),
        (lambda: CRRA(2.0).inverse_marginal(0.0), "marginal_utility must be positive"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
