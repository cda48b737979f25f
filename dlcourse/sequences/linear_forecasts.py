"""Linear forecasts in closed form: the rows of the published table that need no training, and a start for networks.

Used in: Lab 05b

Reference: Zeng et al., "Are Transformers Effective for Time Series Forecasting?" (2023), for the shared map;
    lecture 004, "ACTION REQUIRED", Thursday.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Windows in memory at once: 512 futures of 720 steps and 21 columns take 31 MB in float32.
_CHUNK = 512


@dataclass(frozen=True, eq=False)
class SharedLinear:
    """One linear map from the past to the future of a column, the same for all columns.

    .. math:: \\hat x_{t:t+H} = W^\\top (x_{t-L:t} - a\\, x_{t-1}) + b + a\\, x_{t-1}, \\qquad a \\in \\{0, 1\\}

    Args:
        kernel: W, shape (L, H).
        bias: b, shape (H,).
        subtract_last: whether the last value is taken off before and put back after (a = 1).

    Used in: Lab 05b

    Reference: Zeng et al. (2023), whose DLinear is this map in another parametrisation.
    """

    kernel: np.ndarray
    bias: np.ndarray
    subtract_last: bool = False

    def predict(self, past: np.ndarray) -> np.ndarray:
        """Forecasts, shape (n, H, C), of pasts of shape (n, L, C)."""
        last = past[:, -1:] if self.subtract_last else 0.0
        mapped = np.matmul((past - last).transpose(0, 2, 1), self.kernel) + self.bias
        return mapped.transpose(0, 2, 1) + last


@dataclass(frozen=True, eq=False)
class ColumnRidge:
    """A linear map from the summary of all columns to the future of all columns.

    Args:
        kernel: shape (features, H * C), where features = C (L / block + 1).
        bias: shape (H * C,).
        block: steps that one mean of the summary covers.

    Used in: Lab 05b
    """

    kernel: np.ndarray
    bias: np.ndarray
    block: int = 6

    def predict(self, past: np.ndarray) -> np.ndarray:
        """Forecasts, shape (n, H, C), of pasts of shape (n, L, C)."""
        return (summarise(past, self.block) @ self.kernel + self.bias).reshape(len(past), -1, past.shape[2])


def summarise(past: np.ndarray, block: int = 6) -> np.ndarray:
    """Block means and the last value of every column, side by side.

    Args:
        past: shape (n, L, C).
        block: steps of a mean; must divide L.

    Returns:
        Shape (n, C (L / block + 1)).

    Raises:
        ValueError: if the blocks do not fill the past.

    Example:
        >>> summarise(np.array([[[1.0], [3.0], [5.0], [8.0]]]), block=2).tolist()
        [[2.0, 6.5, 8.0]]

    Used in: Lab 05b
    """
    windows, steps, columns = past.shape
    if steps % block:
        raise ValueError(f"block={block} does not divide the {steps} steps of the past: give one of its divisors")
    means = past.reshape(windows, steps // block, block, columns).mean(axis=2)
    return np.concatenate([means.reshape(windows, -1), past[:, -1]], axis=1)


def fit_shared_linear(
    series: np.ndarray, origins: np.ndarray, horizon: int, lookback: int = 96, subtract_last: bool = False
) -> SharedLinear:
    """Least squares over all windows and columns at once.

    Args:
        series: shape (rows, C), standardised.
        origins: first row to forecast of each training window.
        horizon: H, steps to forecast.
        lookback: L, steps that are known.
        subtract_last: forecast the change from the last value.

    Returns:
        The map.

    Example:
        >>> wave = np.sin(np.arange(300) / 5)[:, None]
        >>> model = fit_shared_linear(wave, np.arange(10, 200), horizon=20, lookback=10)
        >>> bool(np.allclose(model.predict(wave[None, 240:250]), wave[None, 250:270], atol=1e-4))
        True

    Used in: Lab 05b
    """
    gram = np.zeros((lookback + 1, lookback + 1))
    moments = np.zeros((lookback + 1, horizon))
    for past, future in _windows(series, origins, lookback, horizon):
        last = past[:, -1:] if subtract_last else 0.0
        inputs = (past - last).transpose(0, 2, 1).reshape(-1, lookback)
        outputs = (future - last).transpose(0, 2, 1).reshape(-1, horizon)
        inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
        gram += inputs.T @ inputs
        moments += inputs.T @ outputs
    # A trace of ridge: with the last value subtracted, the last input is always zero.
    solution = np.linalg.solve(gram + 1e-9 * np.trace(gram) * np.eye(len(gram)), moments)
    return SharedLinear(solution[:-1].astype(np.float32), solution[-1].astype(np.float32), subtract_last)


def fit_column_ridge(
    series: np.ndarray,
    origins: np.ndarray,
    horizon: int,
    lookback: int = 96,
    *,
    penalty: float = 0.001,
    block: int = 6,
    base: SharedLinear | None = None,
) -> tuple[ColumnRidge, np.ndarray]:
    """Ridge regression of every future value on the summary of all columns.

    .. math:: \\min_W \\frac1n \\sum_i \\| y_i - W^\\top s_i - b \\|^2 + \\lambda \\| W \\|^2

    Args:
        series: shape (rows, C), standardised.
        origins: first row to forecast of each training window.
        horizon: H, steps to forecast.
        lookback: L, steps that are known.
        penalty: lambda, above 0.
        block: steps that one mean of the summary covers.
        base: fit what this map leaves over, instead of the series itself.

    Returns:
        The map, and the second moments of its features, shape (features, features), which `reduce_rank` wants.

    Example:
        >>> waves = np.sin(np.arange(300)[:, None] / np.array([5.0, 7.0]))
        >>> model, _ = fit_column_ridge(waves, np.arange(12, 200), 20, 12, penalty=1e-6)
        >>> bool(np.abs(model.predict(waves[None, 238:250]) - waves[250:270]).max() < 0.05)
        True

    Used in: Lab 05b
    """
    columns = series.shape[1]
    features = columns * (lookback // block + 1)
    gram = np.zeros((features + 1, features + 1))
    moments = np.zeros((features + 1, horizon * columns), dtype=np.float32)
    for past, future in _windows(series, origins, lookback, horizon):
        inputs = np.concatenate([summarise(past, block), np.ones((len(past), 1))], axis=1)
        rest = future if base is None else future - base.predict(past)
        gram += inputs.T @ inputs
        moments += inputs.T.astype(np.float32) @ rest.reshape(len(past), -1).astype(np.float32)
    gram /= len(origins)
    ridge = penalty * np.eye(len(gram))
    ridge[-1, -1] = 1e-9
    solution = np.linalg.solve(gram + ridge, moments / len(origins)).astype(np.float32)
    return ColumnRidge(solution[:-1], solution[-1], block), gram[:-1, :-1]


def reduce_rank(
    kernel: np.ndarray, second_moments: np.ndarray, rank: int, importance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The two thin matrices whose product forecasts most like a linear map.

    .. math:: \\min_{A, B} \\; \\mathbb{E} \\| (s^\\top W - s^\\top A B) \\operatorname{diag}(q) \\|^2

    Args:
        kernel: W, shape (features, outputs).
        second_moments: E[s s^T], shape (features, features).
        rank: columns of A, at least 1.
        importance: q, shape (outputs,), above 0.

    Returns:
        A, shape (features, rank), and B, shape (rank, outputs), float32.

    Raises:
        ValueError: if the rank is below 1 or above the number of features.

    Example:
        >>> kernel = np.outer([1.0, 2.0], [3.0, 4.0, 5.0])
        >>> A, B = reduce_rank(kernel, np.eye(2), rank=1, importance=np.ones(3))
        >>> bool(np.allclose(A @ B, kernel, atol=1e-2))
        True

    Used in: Lab 05b

    Reference: Izenman, "Reduced-rank regression for the multivariate linear model" (1975).
    """
    if not 1 <= rank <= len(kernel):
        raise ValueError(f"rank={rank}: give 1 to {len(kernel)}, the number of features")
    # The small ridge keeps the inverse root finite where features depend on each other.
    values, vectors = np.linalg.eigh(second_moments + 1e-3 * np.eye(len(second_moments)))
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    seen = root @ (kernel * importance)
    _, directions = np.linalg.eigh(seen @ seen.T)
    leading = directions[:, ::-1][:, :rank]
    return (inverse_root @ leading).astype(np.float32), (leading.T @ seen / importance).astype(np.float32)


def _windows(
    series: np.ndarray, origins: np.ndarray, lookback: int, horizon: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    origins = np.asarray(origins)
    if len(origins) == 0 or origins.min() < lookback or origins.max() > len(series) - horizon:
        raise ValueError(
            f"{len(origins)} training windows of {lookback} + {horizon} steps do not fit into {len(series)} rows: give "
            f"origins from {lookback} to {len(series) - horizon}"
        )
    for start in range(0, len(origins), _CHUNK):
        chunk = origins[start : start + _CHUNK, None]
        yield series[chunk + np.arange(-lookback, 0)], series[chunk + np.arange(horizon)]
