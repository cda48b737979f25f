"""The exercises of Lab 01, gradient descent.

The references are the functions of `dlcourse.foundations.descent_steps`; here are the inputs to try and the mistakes
that people make.

Used in: Lab 01

Reference: Lecture 004, from "Building an ML algorithm (IV)" to "Weight initialization".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake
from dlcourse.foundations import descent_steps


def square(w: float) -> float:
    return w * w


def cube(w: float) -> float:
    return w**3


def line(w: float) -> float:
    return 3.0 - 2.0 * w


def derivative_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((square, 3.0, 0.5))
    yield Case((square, 0.0, 0.1), name="at the bottom, where the slope is zero")
    yield Case((line, 1.0, 0.25), name="a straight line")
    yield Case((cube, -1.0, 0.01))
    for f in (np.sin, np.exp, cube):
        yield Case((f, rng.normal(), rng.uniform(0.01, 0.2)))


def step_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 2.0]), np.array([10.0, -10.0]), 0.1))
    yield Case((np.array([1.0, 2.0]), np.zeros(2), 0.1), name="gradient zero: stay")
    yield Case((np.array([3.0]), np.array([2.0]), 1.0), name="learning rate 1")
    for shape in ((3,), (5,), (2, 3), (4, 2)):
        yield Case((rng.normal(size=shape), rng.normal(size=shape), rng.uniform(0.01, 0.9)))


def hessian_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.diag([1.0, 4.0]),))
    yield Case((np.array([[8.0]]),), name="one parameter")
    yield Case((np.array([[2.0, 1.0], [1.0, 2.0]]),), name="a tilted bowl")
    for size in (2, 3, 4, 5):
        factor = rng.normal(size=(size, size))
        yield Case((factor @ factor.T + 0.1 * np.eye(size),))


def regression(rng: np.random.Generator, samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random parameters, inputs with a leading column of ones, and targets."""
    X = np.column_stack([np.ones(samples), rng.normal(size=samples)])
    return rng.normal(size=2), X, rng.normal(size=samples)


def housing_cases(rng: np.random.Generator) -> Iterator[Case]:
    X, y = np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([1.0, 5.0])
    yield Case((np.array([0.0, 1.0]), X, y))
    yield Case((np.array([-7.0, 4.0]), X, y), name="a line through all points")
    yield Case((np.zeros(2), X, y), name="all parameters zero")
    for samples in (3, 5, 8, 20):
        yield Case(regression(rng, samples))


def batch_cases(rng: np.random.Generator) -> Iterator[Case]:
    X, y = np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]]), np.array([1.0, 5.0, 2.0])
    theta = np.array([0.0, 1.0])
    yield Case((theta, X, y, np.array([0, 1])))
    yield Case((theta, X, y, np.array([2])), name="a batch of one")
    yield Case((theta, X, y, np.array([1, 1, 0])), name="one sample drawn twice")
    for samples, size in ((6, 3), (8, 2), (12, 5), (20, 8)):
        yield Case((*regression(rng, samples), rng.integers(samples, size=size)))


def momentum_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([2.0]), np.array([3.0]), np.array([1.0]), 0.5, 0.5))
    yield Case((np.array([2.0]), np.array([2.0]), np.array([1.0]), 0.1, 0.9), name="the first step: no speed yet")
    yield Case((np.array([2.0]), np.array([3.0]), np.array([1.0]), 0.1, 0.0), name="momentum 0: plain descent")
    yield Case((np.array([1.0, 2.0]), np.array([0.5, 2.5]), np.zeros(2), 0.1, 0.9), name="gradient zero: coast on")
    for shape in ((2,), (3,), (2, 2)):
        w, previous_w, gradient = rng.normal(size=(3, *shape))
        yield Case((w, previous_w, gradient, rng.uniform(0.05, 0.5), rng.uniform(0.3, 0.95)))


def adam_cases(rng: np.random.Generator) -> Iterator[Case]:
    zero = np.zeros(1)
    yield Case((np.array([1.0]), np.array([4.0]), zero, zero, 1, 0.5, 0.9, 0.999, 1e-8), name="the first step")
    yield Case((np.array([1.0]), np.array([4.0]), np.array([0.4]), np.array([0.016]), 2, 0.5, 0.9, 0.999, 1e-8))
    yield Case((np.array([1.0]), zero, np.array([0.3]), np.array([0.2]), 5, 0.1, 0.9, 0.99, 1e-8), name="gradient zero")
    # A large epsilon and a small gradient, so that it matters where epsilon stands.
    yield Case((np.array([1.0]), np.array([0.02]), zero, zero, 1, 0.5, 0.9, 0.999, 0.01), name="epsilon 0.01")
    for t in (1, 3, 10, 40):
        w, gradient, mean = rng.normal(size=(3, 2)) if t > 1 else np.vstack([rng.normal(size=(2, 2)), np.zeros(2)])
        mean_square = rng.uniform(0.1, 2.0, size=2) * (t > 1)
        yield Case((w, gradient, mean, mean_square, t, 0.1, rng.uniform(0.5, 0.9), rng.uniform(0.9, 0.999), 1e-6))


def weights_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.ones((2, 6)), "glorot"))
    yield Case((np.ones((8, 2)), "he"))
    for shape, rule in (((3, 5), "glorot"), ((5, 3), "he"), ((1, 4), "he"), ((4, 1), "glorot"), ((4, 7), "he")):
        yield Case((rng.normal(size=shape), rule))


def adam_mistake(
    w, gradient, mean, mean_square, t, learning_rate, beta_1, beta_2, epsilon, *, correct=True, inside=False, root=True
):
    """Adam with one thing left out or misplaced."""
    mean = beta_1 * mean + (1 - beta_1) * gradient
    mean_square = beta_2 * mean_square + (1 - beta_2) * gradient**2
    first, second = (mean / (1 - beta_1**t), mean_square / (1 - beta_2**t)) if correct else (mean, mean_square)
    power = 0.5 if root else 1.0
    scale = (second + epsilon) ** power if inside else second**power + epsilon
    return w - learning_rate * first / scale, mean, mean_square


def adam_feeding_back(w, gradient, mean, mean_square, t, learning_rate, beta_1, beta_2, epsilon):
    """The slide's recursion: hands on the corrected averages."""
    mean = (beta_1 * mean + (1 - beta_1) * gradient) / (1 - beta_1**t)
    mean_square = (beta_2 * mean_square + (1 - beta_2) * gradient**2) / (1 - beta_2**t)
    return w - learning_rate * mean / (np.sqrt(mean_square) + epsilon), mean, mean_square


def adam_shares_swapped(w, gradient, mean, mean_square, t, learning_rate, beta_1, beta_2, epsilon):
    mean = (1 - beta_1) * mean + beta_1 * gradient
    mean_square = (1 - beta_2) * mean_square + beta_2 * gradient**2
    corrected = mean / (1 - beta_1**t), mean_square / (1 - beta_2**t)
    return w - learning_rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon), mean, mean_square


def weights_of_fans(noise, rule, *, of_inputs, of_both, power=0.5):
    """Scales `noise` by a rule of one's own: the variance of each rule is a function of (fan_in, fan_out)."""
    variance = of_both(*noise.shape) if rule == "glorot" else of_inputs(*noise.shape)
    return noise * variance**power


EXERCISES = (
    Exercise(
        number="1.1",
        title="Numerical derivative",
        reference=descent_steps.numerical_derivative,
        cases=derivative_cases,
        mistakes=(
            Mistake(
                "this is the slope from w to w + h, on one side only: start the chord at w - h",
                lambda f, w, h: (f(w + h) - f(w)) / h,
            ),
            Mistake(
                "the chord runs from w - h to w + h, so its width is 2 h and not h",
                lambda f, w, h: (f(w + h) - f(w - h)) / h,
            ),
            Mistake("the rise is right; divide it by the width of the chord", lambda f, w, h: f(w + h) - f(w - h)),
            Mistake(
                "mind the brackets: / 2 * h divides by 2 and then multiplies by h",
                lambda f, w, h: (f(w + h) - f(w - h)) / 2 * h,
            ),
        ),
        hint="rise over run: how much f changes from w - h to w + h, over the distance between the two",
    ),
    Exercise(
        number="1.2",
        title="One step of gradient descent",
        reference=descent_steps.gradient_descent_step,
        cases=step_cases,
        mistakes=(
            Mistake("the step goes uphill: the gradient points up, so subtract it", lambda w, g, eta: w + eta * g),
            Mistake("the learning rate is missing: scale the gradient by it", lambda w, g, eta: w - g),
            Mistake("this is only the change; add it to w to get where the step leads", lambda w, g, eta: -eta * g),
        ),
        hint="start at w and move against the gradient, by the learning rate times the gradient",
    ),
    Exercise(
        number="1.3",
        title="The largest stable learning rate",
        reference=descent_steps.largest_stable_rate,
        cases=hessian_cases,
        mistakes=(
            Mistake(
                "that is the rate for the flattest direction; the steepest one gives way first",
                lambda H: 2 / np.linalg.eigvalsh(H).min(),
            ),
            Mistake(
                "at 1 / curvature one step lands on the minimum; it can be twice as long before it stops shrinking",
                lambda H: 1 / np.linalg.eigvalsh(H).max(),
            ),
            Mistake(
                "the largest diagonal entry is not the largest curvature when the bowl is tilted: use the eigenvalues",
                lambda H: 2 / np.diag(H).max(),
            ),
        ),
        hint="the error along curvature c is multiplied by 1 - rate * c in each step; where does that reach -1?",
    ),
    Exercise(
        number="1.4",
        title="Gradient of the housing cost",
        reference=descent_steps.housing_gradient,
        cases=housing_cases,
        mistakes=(
            Mistake(
                "the sign is reversed: the error is prediction minus price",
                lambda theta, X, y: X.T @ (y - X @ theta),
            ),
            Mistake(
                "J has no 1/m in front: add the houses up, do not average",
                lambda theta, X, y: X.T @ (X @ theta - y) / len(y),
            ),
            Mistake(
                "the 2 from the square and the 1/2 in front cancel",
                lambda theta, X, y: 2 * X.T @ (X @ theta - y),
            ),
            Mistake(
                "each house's error must be multiplied by that house's inputs before the sum",
                lambda theta, X, y: np.full(2, np.sum(X @ theta - y)),
            ),
        ),
        hint="one error a house, X @ theta - y; each times its row of X; then the sum over the houses",
    ),
    Exercise(
        number="1.5",
        title="Mini-batch gradient",
        reference=descent_steps.mini_batch_gradient,
        cases=batch_cases,
        mistakes=(
            Mistake(
                "this is the sum over the batch; divide by B, the number of samples in it",
                lambda theta, X, y, batch: X[batch].T @ (X[batch] @ theta - y[batch]),
            ),
            Mistake(
                "divide by B, the size of the batch, and not by the number of all samples",
                lambda theta, X, y, batch: X[batch].T @ (X[batch] @ theta - y[batch]) / len(y),
            ),
            Mistake(
                "this uses every sample; take the rows of X and y that `batch` names",
                lambda theta, X, y, batch: X.T @ (X @ theta - y) / len(y),
            ),
        ),
        hint="pick the batch's rows, X[batch] and y[batch], and average their gradients",
    ),
    Exercise(
        number="1.6",
        title="One step with momentum",
        reference=descent_steps.momentum_step,
        cases=momentum_cases,
        mistakes=(
            Mistake(
                "the last step led from previous_w to w: it is w - previous_w, not the reverse",
                lambda w, previous_w, g, eta, mu: w + mu * (previous_w - w) - eta * g,
            ),
            Mistake(
                "the gradient is added: momentum keeps the last step, the gradient is still subtracted",
                lambda w, previous_w, g, eta, mu: w + mu * (w - previous_w) + eta * g,
            ),
            Mistake(
                "the momentum is missing: add mu times the last step", lambda w, previous_w, g, eta, mu: w - eta * g
            ),
            Mistake(
                "the slides do not weigh the gradient with 1 - mu: subtract eta times the whole gradient",
                lambda w, previous_w, g, eta, mu: w + mu * (w - previous_w) - (1 - mu) * eta * g,
            ),
        ),
        hint="three terms: where you are, a share mu of the last step, and a plain descent step",
    ),
    Exercise(
        number="1.7",
        title="One step of Adam",
        reference=descent_steps.adam_step,
        cases=adam_cases,
        mistakes=(
            Mistake(
                "the bias correction is missing: divide both averages by 1 - beta^t before you use them",
                lambda *inputs: adam_mistake(*inputs, correct=False),
            ),
            Mistake(
                "return the averages as they are; only the step uses the corrected copies",
                adam_feeding_back,
            ),
            Mistake("epsilon stands outside the square root here", lambda *inputs: adam_mistake(*inputs, inside=True)),
            Mistake(
                "the square root is missing: divide by the root of the corrected mean square",
                lambda *inputs: adam_mistake(*inputs, root=False),
            ),
            Mistake("the shares are swapped: beta is the part of the old average that is kept", adam_shares_swapped),
        ),
        hint="update both averages, make corrected copies of them, take the step with the copies",
    ),
    Exercise(
        number="1.8",
        title="Glorot and He initial weights",
        reference=descent_steps.initial_weights,
        cases=weights_cases,
        mistakes=(
            Mistake(
                "that is the variance; numbers are scaled by the standard deviation, its square root",
                lambda noise, rule: weights_of_fans(
                    noise, rule, of_inputs=lambda i, o: 2 / i, of_both=lambda i, o: 2 / (i + o), power=1.0
                ),
            ),
            Mistake(
                "rows are inputs and columns are outputs: fan_in is noise.shape[0]",
                lambda noise, rule: weights_of_fans(
                    noise, rule, of_inputs=lambda i, o: 2 / o, of_both=lambda i, o: 2 / (i + o)
                ),
            ),
            Mistake(
                "He's variance is 2 / fan_in: the 2 makes up for the half that ReLU sets to zero",
                lambda noise, rule: weights_of_fans(
                    noise, rule, of_inputs=lambda i, o: 1 / i, of_both=lambda i, o: 2 / (i + o)
                ),
            ),
            Mistake(
                "Glorot's variance is 2 / (fan_in + fan_out), one over the mean of the two",
                lambda noise, rule: weights_of_fans(
                    noise, rule, of_inputs=lambda i, o: 2 / i, of_both=lambda i, o: 1 / (i + o)
                ),
            ),
        ),
        hint="multiply the noise by the standard deviation of the rule, the square root of its variance",
    ),
)
