"""The exercises of Lab 06 on returns, values and stochastic policies.

Used in: Lab 06

Reference: Lecture 004, "RL KEY CONCEPTS", "CONNECTION TO DYNAMIC PROGRAMMING" and "DISCRETE & CONTINUOUS ACTIONS";
lecture 002, section 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log, pi

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def discounted_returns(rewards: np.ndarray, discount: float, after: float) -> np.ndarray:
    r"""The discounted return from every step of an episode on.

    $$R_t = r_t + \gamma r_{t+1} + \dots + \gamma^{T-1-t} r_{T-1} + \gamma^{T-t} V$$

    Args:
        rewards: r_0 to r_{T-1}, shape (T,).
        discount: gamma in the slides, 0 to 1.
        after: V, what the state after the last step is worth: 0 where the task ended, its value where only the clock
            ran out.

    Returns:
        R_0 to R_{T-1}, shape (T,).

    Example:
        >>> discounted_returns(np.array([1.0, 2.0, 4.0]), 0.5, 8.0).tolist()
        [4.0, 6.0, 8.0]

    Used in: Lab 06

    Reference: Lecture 004, "THE Q-FUNCTION".
    """
    returns = np.empty(len(rewards))
    following = after
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following
        returns[t] = following
    return returns


def bellman_backup(rewards: np.ndarray, next_values: np.ndarray, discount: float) -> tuple[np.ndarray, np.ndarray]:
    r"""One sweep of value iteration.

    $$V_{j+1}(x) = \max_u \{ r(x, u) + \beta V_j(\tilde x) \}$$

    Args:
        rewards: r(x, u), shape (S, A): a row for each state x, a column for each action u.
        next_values: V_j of the states to which the actions lead, shape (S, A).
        discount: beta in the slides, 0 to 1.

    Returns:
        V_{j+1}, shape (S,), and the numbers of the best actions, shape (S,).

    Example:
        >>> values, best = bellman_backup(np.array([[0.0, -1.0]]), np.array([[-10.0, -4.0]]), 0.5)
        >>> values.tolist(), best.tolist()
        ([-3.0], [1])

    Used in: Lab 06

    Reference: Lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING".
    """
    outcomes = rewards + discount * next_values
    return outcomes.max(axis=1), outcomes.argmax(axis=1)


def softmax_log_likelihood(logits: np.ndarray, actions: np.ndarray) -> np.ndarray:
    r"""The log-likelihood of discrete actions under a softmax policy.

    $$\log \pi(a \mid s) = z_a - \log \sum_k e^{z_k}$$

    Args:
        logits: z, what the network puts out for each state, shape (B, K).
        actions: numbers of the actions that were taken, integers from 0 to K - 1, shape (B,).

    Returns:
        Shape (B,), each at most 0.

    Example:
        >>> softmax_log_likelihood(np.array([[0.0, 0.0]]), np.array([1])).round(3).tolist()
        [-0.693]

    Used in: Lab 06

    Reference: Lecture 002, section 1.1, "Categorical".
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted[np.arange(len(actions)), actions] - np.log(np.exp(shifted).sum(axis=1))


def normal_log_likelihood(actions: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    r"""The log-likelihood of continuous actions under a diagonal normal policy.

    $$\log \pi(a \mid s) = -\frac12 \sum_{j=1}^m \Big(\frac{(a_j - \mu_j)^2}{\sigma_j^2} + 2 \log \sigma_j +
    \log 2\pi\Big)$$

    Args:
        actions: a, shape (B, m).
        mean: mu(s), shape (B, m).
        log_std: log sigma of each component, shape (m,).

    Returns:
        Shape (B,).

    Example:
        >>> normal_log_likelihood(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(2)).round(3).tolist()
        [-1.838]

    Used in: Lab 06

    Reference: Lecture 002, section 1.1, "Diagonal Gaussian".
    """
    z = (actions - mean) / np.exp(log_std)
    return -0.5 * np.sum(z**2 + 2 * log_std + log(2 * pi), axis=1)


def return_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 2.0, 4.0]), 0.5, 8.0), name="the clock ran out, and the next state is worth 8")
    yield Case((np.array([1.0, 2.0, 4.0]), 0.5, 0.0), name="the task ended")
    yield Case((np.array([-3.0]), 0.9, 2.0), name="a single step")
    yield Case((np.array([1.0, -1.0, 3.0]), 0.0, 5.0), name="discount 0: only the present counts")
    yield Case((np.array([1.0, -1.0, 3.0]), 1.0, 5.0), name="discount 1: the plain sum")
    for steps in (2, 4, 6):
        yield Case((rng.normal(size=steps), float(rng.uniform(0.5, 0.95)), float(rng.normal())))


def backup_cases(rng: np.random.Generator) -> Iterator[Case]:
    # The action with the best reward is not the best action.
    yield Case((np.array([[0.0, -1.0], [2.0, 1.0]]), np.array([[-10.0, -4.0], [3.0, 8.0]]), 0.5))
    yield Case((np.array([[0.5, 1.5, -1.0]]), np.array([[4.0, -2.0, 9.0]]), 0.0), name="discount 0")
    yield Case((np.array([[-1.0], [-2.0]]), np.array([[-3.0], [-4.0]]), 0.9), name="a single action")
    for states, actions in ((2, 3), (4, 2), (5, 4)):
        yield Case((rng.normal(size=(states, actions)), 3 * rng.normal(size=(states, actions)), rng.uniform(0.5, 0.9)))


def softmax_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.0, 1.0]]), np.array([1])))
    yield Case((np.zeros((2, 3)), np.array([0, 2])), name="all actions alike")
    yield Case((np.array([[1000.0, 999.0]]), np.array([1])), name="large logits")
    yield Case((np.array([[-1000.0, -1001.0, -1000.5]]), np.array([2])), name="very negative logits")
    for count, kinds in ((3, 2), (2, 4), (5, 3)):
        yield Case((2 * rng.normal(size=(count, kinds)), rng.integers(kinds, size=count)))


def normal_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0]]), np.array([[0.0]]), np.array([0.7])))
    yield Case((np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(2)), name="the mean itself, sigma 1")
    yield Case((np.array([[0.5, -1.0]]), np.array([[0.5, -1.0]]), np.array([-2.0, -1.0])), name="a sharp policy")
    for count, size in ((2, 1), (3, 2), (4, 3)):
        mean = rng.normal(size=(count, size))
        yield Case((mean + rng.normal(size=(count, size)), mean, rng.uniform(-0.8, 0.8, size=size)))


def forward_returns(rewards: np.ndarray, discount: float, after: float) -> np.ndarray:
    """Sums the past where the future belongs."""
    return np.cumsum(discount ** np.arange(len(rewards)) * rewards)


def slide_returns(rewards: np.ndarray, discount: float, after: float) -> np.ndarray:
    """The other formula of the slides: sum over i from t of gamma^i r_i."""
    weighed = discount ** np.arange(len(rewards)) * rewards
    return np.cumsum(weighed[::-1])[::-1] + discount ** len(rewards) * after


def last_not_discounted(rewards: np.ndarray, discount: float, after: float) -> np.ndarray:
    return discounted_returns(np.append(rewards[:-1], rewards[-1] + after), discount, 0.0)


def normal_with(
    a: np.ndarray, mean: np.ndarray, log_std: np.ndarray, *, std: np.ndarray | None = None, constant: float = 1.0
) -> np.ndarray:
    """The log-likelihood with one thing changed."""
    sigma = np.exp(log_std) if std is None else std
    return -0.5 * np.sum(((a - mean) / sigma) ** 2 + 2 * np.log(sigma) + constant * log(2 * pi), axis=1)


def overflowing(logits: np.ndarray, actions: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        exponentials = np.exp(logits)
        return np.log(exponentials[np.arange(len(actions)), actions] / exponentials.sum(axis=1))


def log_taken_for_sigma(actions: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return -0.5 * np.sum(((actions - mean) / log_std) ** 2 + 2 * log_std + log(2 * pi), axis=1)


EXERCISES = (
    Exercise(
        number="6.1",
        title="The discounted return",
        reference=discounted_returns,
        cases=return_cases,
        mistakes=(
            Mistake(
                "the exponent counts the steps from now on: the first reward, r_t, is not discounted",
                slide_returns,
            ),
            Mistake(
                "`after` is missing: where only the clock ran out, the state after the last step is worth something",
                lambda rewards, discount, after: discounted_returns(rewards, discount, 0.0),
            ),
            Mistake("`after` is one step further away than the last reward: discount it too", last_not_discounted),
            Mistake("R_t adds up what is still to come, from step t on, and not what has been", forward_returns),
            Mistake(
                "the discount is missing",
                lambda rewards, discount, after: discounted_returns(rewards, 1.0, after),
            ),
        ),
        hint="go backwards: R_t is r_t plus the discount times R_{t+1}, and beyond the end stands `after`",
    ),
    Exercise(
        number="6.2",
        title="One sweep of value iteration",
        reference=bellman_backup,
        cases=backup_cases,
        mistakes=(
            Mistake(
                "the largest reward and the largest next value may belong to two actions: add up first, then maximise",
                lambda rewards, next_values, discount: (
                    rewards.max(axis=1) + discount * next_values.max(axis=1),
                    (rewards + discount * next_values).argmax(axis=1),
                ),
            ),
            Mistake(
                "that picks the action with the best reward now; the best action looks at the next value too",
                lambda rewards, next_values, discount: (
                    (rewards + discount * next_values).max(axis=1),
                    rewards.argmax(axis=1),
                ),
            ),
            Mistake(
                "maximise over the actions, which are the columns (axis 1), for each state",
                lambda rewards, next_values, discount: (
                    (rewards + discount * next_values).max(axis=0),
                    (rewards + discount * next_values).argmax(axis=0),
                ),
            ),
            Mistake(
                "the discount is missing: what comes later counts less",
                lambda rewards, next_values, discount: bellman_backup(rewards, next_values, 1.0),
            ),
            Mistake(
                "rewards are to be maximised, and this takes the worst action",
                lambda rewards, next_values, discount: (
                    (rewards + discount * next_values).min(axis=1),
                    (rewards + discount * next_values).argmin(axis=1),
                ),
            ),
        ),
        hint="first a table of r + discount * V for all states and actions, then its maximum in each row, and where",
    ),
    Exercise(
        number="6.3",
        title="The log-likelihood of a discrete action",
        reference=softmax_log_likelihood,
        cases=softmax_cases,
        mistakes=(
            Mistake(
                "the exponential of a large logit overflows: take the largest logit of each row away first, which "
                "changes nothing in exact arithmetic",
                overflowing,
            ),
            Mistake(
                "that is the probability: take its logarithm",
                lambda logits, actions: np.exp(softmax_log_likelihood(logits, actions)),
            ),
            Mistake(
                "the normalising term is missing: the probabilities of all actions have to add up to 1",
                lambda logits, actions: logits[np.arange(len(actions)), actions],
            ),
            Mistake(
                "the sum over k runs along each row, over the actions of one state",
                lambda logits, actions: (
                    logits[np.arange(len(actions)), actions]
                    - np.log(np.exp(logits - logits.max()).sum())
                    - logits.max()
                ),
            ),
        ),
        hint="log-softmax is the logit minus the log of the sum of the exponentials of its row",
    ),
    Exercise(
        number="6.4",
        title="The log-likelihood of a continuous action",
        reference=normal_log_likelihood,
        cases=normal_cases,
        mistakes=(
            Mistake(
                "log 2 pi is missing: the density would not integrate to 1",
                lambda a, mean, log_std: normal_with(a, mean, log_std, constant=0.0),
            ),
            Mistake(
                "`log_std` is the logarithm of sigma: take its exponential before you divide",
                log_taken_for_sigma,
            ),
            Mistake(
                "log sigma stands twice inside the bracket, because the 1/2 stands outside",
                lambda a, mean, log_std: normal_log_likelihood(a, mean, log_std) + 0.5 * np.sum(log_std),
            ),
            Mistake(
                "`log_std` is the logarithm of sigma, not of the variance sigma squared",
                lambda a, mean, log_std: normal_log_likelihood(a, mean, log_std / 2),
            ),
            Mistake(
                "log sigma is missing: a wide policy spreads its probability and is less dense everywhere",
                lambda a, mean, log_std: normal_log_likelihood(a, mean, log_std) + np.sum(log_std),
            ),
            Mistake(
                "add the components of one action up, along axis 1, and keep one number a row",
                lambda a, mean, log_std: float(np.sum(normal_log_likelihood(a, mean, log_std))),
            ),
            Mistake(
                "the components are independent: their log-likelihoods are added, not averaged",
                lambda a, mean, log_std: normal_log_likelihood(a, mean, log_std) / a.shape[1],
            ),
        ),
        hint="the bracket for every component of every action, their sum along axis 1, times -1/2",
    ),
)
