"""Genz functions: values and integrals against SciPy and exact arithmetic, then properties, then bad input."""

import subprocess
import sys
from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb, factorial, prod

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from dlcourse.approximation.genz import DIFFICULTY, FAMILIES, SCHEMES, GenzFunction, sample

EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)


def parameters(dimension: int) -> st.SearchStrategy[tuple[list[float], list[float]]]:
    numbers = st.floats(0, 5), st.floats(-0.5, 1.5)
    return st.tuples(*(st.lists(number, min_size=dimension, max_size=dimension) for number in numbers))


def by_quadrature(function: GenzFunction) -> float:
    """SciPy's adaptive quadrature over the cells between the kinks, jumps and peaks of the function."""
    cuts = [np.unique(np.clip([0.0, w, 1.0], 0, 1)) for w in function.w]
    ranges = product(*(list(pairwise(cut)) for cut in cuts))
    options = {"epsabs": 0, "epsrel": 1e-9}
    return sum(scipy.integrate.nquad(lambda *x: function([x])[0], cell, opts=options)[0] for cell in ranges)


@EVERY_FAMILY
@pytest.mark.parametrize("dimension", [1, 2])
def test_integral_equals_adaptive_quadrature(family: str, dimension: int) -> None:
    function = GenzFunction.random(family, dimension, seed=dimension)
    assert function.integral() == pytest.approx(by_quadrature(function), rel=1e-7)


def by_cubature(function: GenzFunction) -> float:
    """SciPy's adaptive cubature over the same cells, many points at a call."""
    cuts = [np.unique(np.clip([0.0, w, 1.0], 0, 1)) for w in function.w]
    cells = (np.transpose(cell) for cell in product(*(list(pairwise(cut)) for cut in cuts)))
    return sum(float(scipy.integrate.cubature(function, low, high, rtol=1e-9).estimate) for low, high in cells)


@EVERY_FAMILY
def test_integral_in_three_dimensions_equals_scipy_s_cubature(family: str) -> None:
    function = GenzFunction.random(family, 3, seed=3)
    assert function.integral() == pytest.approx(by_cubature(function), rel=1e-7)


def by_gauss_legendre(function: GenzFunction, nodes: int = 24) -> float:
    """Gauss-Legendre quadrature in each such cell, where the function is smooth: spectral accuracy."""
    x, weight = np.polynomial.legendre.leggauss(nodes)
    axes = []
    for w in function.w:
        edges = np.unique(np.clip([0.0, w, 1.0], 0, 1))
        low, width = edges[:-1, None], np.diff(edges)[:, None]
        axes.append(((low + width * (x + 1) / 2).ravel(), (width * weight / 2).ravel()))
    points = np.stack(np.meshgrid(*(axis for axis, _ in axes), indexing="ij"), axis=-1).reshape(-1, len(axes))
    weights = np.prod(np.stack(np.meshgrid(*(w for _, w in axes), indexing="ij"), axis=-1), axis=-1).ravel()
    return float(weights @ function(points))


@EVERY_FAMILY
@pytest.mark.parametrize("seed", range(3))
def test_integral_in_three_dimensions_equals_gauss_legendre_on_smooth_cells(family: str, seed: int) -> None:
    function = GenzFunction.random(family, 3, seed)
    # The hardest draw (a Gaussian with c near 7) leaves the rule itself at 1e-9.
    assert function.integral() == pytest.approx(by_gauss_legendre(function), rel=1e-8)


@EVERY_FAMILY
def test_integral_in_five_dimensions_agrees_with_quasi_monte_carlo(family: str) -> None:
    function = GenzFunction.random(family, 5, seed=1)
    estimates = [function(qmc.Sobol(5, seed=seed).random_base2(14)).mean() for seed in range(8)]
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - function.integral()) < 4 * error + 1e-9 * abs(function.integral())
    # The comparison means something: eight scrambled nets know the integral to 2 %, mostly far better.
    assert error < 0.02 * abs(function.integral())


def corner_sum(c: np.ndarray) -> float:
    """Inclusion-exclusion over the corners of the cube, in exact rational arithmetic."""
    exact = [Fraction(float(value)) for value in c]
    terms = (
        Fraction((-1) ** size) / (1 + sum(chosen, Fraction(0)))
        for size in range(len(exact) + 1)
        for chosen in combinations(exact, size)
    )
    return float(sum(terms, Fraction(0)) / (factorial(len(exact)) * prod(exact)))


@pytest.mark.parametrize("dimension", [1, 2, 3, 5, 8])
def test_corner_peak_integral_keeps_its_digits_where_the_corner_sum_cancels(dimension: int) -> None:
    function = GenzFunction.random("corner_peak", dimension, seed=0)
    # Eight bits a number keep the exact fractions short; small c_i are those that cancel.
    for c in (np.ceil(function.c * 256) / 256, np.full(dimension, 2.0**-7), np.arange(1.0, dimension + 1) * 8):
        integral = GenzFunction("corner_peak", dimension, c, function.w).integral()
        assert integral == pytest.approx(corner_sum(c), rel=1e-13)


def test_corner_peak_integral_in_ten_dimensions_equals_exact_arithmetic_for_equal_coefficients() -> None:
    c = Fraction(37, 200)
    terms = (Fraction((-1) ** k * comb(10, k)) / (1 + k * c) for k in range(11))
    exact = float(sum(terms, Fraction(0)) / (factorial(10) * c**10))
    assert GenzFunction("corner_peak", 10, [0.185] * 10, [0.1] * 10).integral() == pytest.approx(exact, rel=1e-13)


@EVERY_FAMILY
@pytest.mark.parametrize("dimension", [1, 2, 10])
def test_values_follow_the_formulas_of_the_slides(family: str, dimension: int) -> None:
    function = GenzFunction.random(family, dimension, seed=3)
    x = sample(50, dimension, seed=4)
    c, w = function.c, function.w
    formulas = {
        "oscillatory": lambda p: np.cos(2 * np.pi * w[0] + sum(c * p)),
        "product_peak": lambda p: prod(1 / (c[i] ** -2 + (p[i] - w[i]) ** 2) for i in range(dimension)),
        "corner_peak": lambda p: (1 + sum(c * p)) ** -(dimension + 1),
        "gaussian": lambda p: np.exp(-sum(c**2 * (p - w) ** 2)),
        "continuous": lambda p: np.exp(-sum(c * abs(p - w))),
        "discontinuous": lambda p: 0 if any(p[i] > w[i] for i in range(min(2, dimension))) else np.exp(sum(c * p)),
    }
    np.testing.assert_allclose(function(x), [formulas[family](p) for p in x], rtol=1e-12)


@EVERY_FAMILY
@settings(max_examples=40)
@given(dimension=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_random_parameters_meet_the_normalisation_of_the_slides(family: str, dimension: int, seed: int) -> None:
    function = GenzFunction.random(family, dimension, seed)
    assert function.c.sum() == pytest.approx(DIFFICULTY[family] or dimension)
    assert function.w.sum() == pytest.approx(1)
    assert (function.c >= 0).all() and (function.w >= 0).all()
    assert function == GenzFunction.random(family, dimension, seed)
    assert hash(function) == hash(GenzFunction.random(family, dimension, seed))
    assert (function != GenzFunction.random(family, dimension, seed + 1)) == (dimension > 1)


@EVERY_FAMILY
@settings(max_examples=60)
@given(pair=parameters(2))
def test_integral_holds_for_any_parameters_also_zero_and_outside_the_cube(
    family: str, pair: tuple[list[float], list[float]]
) -> None:
    function = GenzFunction(family, 2, *pair)
    assert function.integral() == pytest.approx(by_gauss_legendre(function, 40), rel=1e-7, abs=1e-12)


def test_the_jump_looks_at_two_coordinates_only_and_the_boundary_is_inside() -> None:
    function = GenzFunction("discontinuous", 3, c=[1, 1, 1], w=[0.5, 0.25, 0.25])
    values = function([[0.5, 0.25, 1.0], [0.51, 0.0, 0.0], [0.0, 0.26, 0.0]])
    np.testing.assert_allclose(values, [np.exp(1.75), 0, 0])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_samples_fill_the_cube_and_repeat_with_the_seed(scheme: str) -> None:
    points = sample(100, 5, scheme, seed=7)
    assert points.shape == (100, 5) and points.dtype == np.float64
    assert points.min() >= 0 and points.max() < 1
    np.testing.assert_array_equal(points, sample(100, 5, scheme, seed=7))
    assert not np.array_equal(points, sample(100, 5, scheme, seed=8))
    assert sample(1, 1, scheme).shape == (1, 1)


@pytest.mark.filterwarnings("error")
def test_sobol_points_of_any_number_come_without_a_warning_and_are_more_even_than_uniform_ones() -> None:
    for n in (10, 50, 100, 500):
        assert qmc.discrepancy(sample(n, 2, "sobol", seed=0)) < qmc.discrepancy(sample(n, 2, "uniform", seed=0))


def test_a_latin_hypercube_has_one_point_in_every_slice() -> None:
    points = sample(20, 3, "latin_hypercube", seed=0)
    assert (np.sort(np.floor(points * 20), axis=0) == np.arange(20)[:, None]).all()


def test_the_functions_need_no_tensorflow() -> None:
    code = (
        "import sys, dlcourse.approximation as a; a.GenzFunction; assert not {'tensorflow', 'keras'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


GAUSSIAN = GenzFunction("gaussian", 2, c=[1, 2], w=[0.5, 0.5])


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros(2), ValueError, r"reshape\(1, -1\)"),
        (np.zeros((3, 4)), ValueError, r"shape \(n, 2\), got \(3, 4\)"),
        ([[0.0, 1.5]], ValueError, r"\[0, 1\]\^2; row 0"),
        ([[0.1, 0.1], [np.nan, 0.0]], ValueError, "finite; row 1"),
        ([["a", "b"]], TypeError, "real numbers"),
        (np.zeros((1, 2), complex), TypeError, "real numbers, got dtype complex"),
        (np.zeros((1, 2), bool), TypeError, "astype"),
    ],
)
def test_points_outside_the_contract_are_named(x: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GAUSSIAN(x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("gausian", 2, [1, 1], [0, 0]), ValueError, "Did you mean 'gaussian'"),
        ((4, 2, [1, 1], [0, 0]), TypeError, "family must be a string"),
        (("gaussian", 2.0, [1, 1], [0, 0]), TypeError, "dimension must be an integer"),
        (("gaussian", 0, [], []), ValueError, "dimension must be at least 1"),
        (("gaussian", 2, [1], [0, 0]), ValueError, r"c must have shape \(2,\)"),
        (("gaussian", 2, [1, -1], [0, 0]), ValueError, "not be negative"),
        (("gaussian", 2, [1, 1], [0, np.inf]), ValueError, "w must be finite"),
        (("gaussian", 2, [1, 1], ["a", "b"]), TypeError, "w must hold real numbers"),
    ],
)
def test_impossible_functions_are_refused(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GenzFunction(*arguments)


def test_impossible_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="scheme must be one of uniform, sobol"):
        sample(3, 2, "grid")
    with pytest.raises(ValueError, match="n must be at least 1"):
        sample(0, 2)
    with pytest.raises(TypeError, match="seed must be an integer"):
        sample(3, 2, seed=1.5)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        GenzFunction.random("gaussian", 2, seed=-1)


def test_parameters_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="read-only"):
        GAUSSIAN.c[0] = 3
