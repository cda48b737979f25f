"""An economy of overlapping generations with one asset: who lives in it, what they earn, what comes next.

Two economies of the course are calibrations of it: `analytic_olg.py`, with a closed form, and `benchmark_olg.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.production import FactorPrices, factor_prices
from dlcourse.economics.utility import CRRA


@dataclass(frozen=True, eq=False)
class OLGEconomy:
    """A cohorts side by side; every period the oldest leaves and a new one is born with nothing.

    Timing: a period opens with the shock z_t and the capital k_t^h of each age; the firm produces and pays
    income_t^h = R_t k_t^h + w_t l^h; the household of age h divides it,  c_t^h + a_t^h = income_t^h;  its savings are
    the next age's capital,  k_{t+1}^{h+1} = a_t^h.  The newborn owns nothing (k^1 = 0), the oldest saves nothing
    (a^A = 0). All is measured in units of the one good; a period is a year in the slides' calibration (A = 60).

    Args:
        shocks: Chain of z with the values "productivity" (eta > 0) and "depreciation" (delta, 0 to 1).
        labour: l^h by age, shape (A,), at least 0, the newborn's positive. Its sum is the labour L.
        capital_share: alpha, strictly between 0 and 1.
        discount: beta > 0, the weight of the next period's utility.
        risk_aversion: gamma > 0; 1 is the logarithm.
        borrowing_limit: the least savings a household may hold, a^h >= a_underlined: 0, or negative for a limit on
            debt; None where nothing limits debt but the need to repay it.

    Raises:
        ValueError: for a calibration in which somebody could not live; the message says who and why.

    Used in: Lab 08

    Reference: Lecture 004, "BENCHMARK OLG MODEL AS EXAMPLE" to "EQUILIBRIUM".
    """

    shocks: MarkovChain
    labour: np.ndarray
    capital_share: float
    discount: float
    risk_aversion: float
    borrowing_limit: float | None

    def __post_init__(self) -> None:
        labour = np.array(self.labour, dtype=np.float64)
        object.__setattr__(self, "labour", labour)
        self._refuse_impossible_shocks()
        if labour.ndim != 1 or len(labour) < 2:
            raise ValueError(f"labour has shape {labour.shape}: give one number for each of at least two ages")
        if not (np.isfinite(labour).all() and (labour >= 0).all()):
            raise ValueError(f"labour must be at least 0 and finite, got {labour.tolist()}")
        if labour[0] == 0:
            raise ValueError("labour[0] = 0: the newborn owns no capital, so without labour it has nothing to eat")
        if not (np.isfinite(self.discount) and self.discount > 0):
            raise ValueError(f"discount={self.discount}: beta is a positive, finite number")
        if not 0 < self.capital_share < 1:
            raise ValueError(f"capital_share={self.capital_share}: alpha lies strictly between 0 and 1")
        _ = self.utility
        self._refuse_debt_beyond_means(labour)
        labour.setflags(write=False)

    @property
    def cohorts(self) -> int:
        """A: how many ages live at the same time (N in the slides)."""
        return len(self.labour)

    @property
    def identity(self) -> dict[str, object]:
        """What tells this economy from another one, as JSON values."""
        return {
            "labour": self.labour.tolist(),
            "transition": self.shocks.transition.tolist(),
            "productivity": self.productivity.tolist(),
            "depreciation": self.depreciation.tolist(),
            "preferences": [self.capital_share, self.discount, self.risk_aversion, self.borrowing_limit],
        }

    @property
    def total_labour(self) -> float:
        """L = sum over ages of l^h, the same in every period."""
        return float(self.labour.sum())

    @property
    def utility(self) -> CRRA:
        """What consumption is worth to a household."""
        return CRRA(self.risk_aversion)

    @property
    def productivity(self) -> np.ndarray:
        """eta by shock, shape (n,)."""
        return self.shocks.values["productivity"]

    @property
    def depreciation(self) -> np.ndarray:
        """delta by shock, shape (n,)."""
        return self.shocks.values["depreciation"]

    def prices(self, shock: ArrayLike, capital: ArrayLike) -> FactorPrices:
        """R and w of a state.

        Args:
            shock: z, integers, shape (...).
            capital: k by age, shape (..., A); its sum over ages must be positive.

        Returns:
            R and w, shape (...).

        Raises:
            ValueError: where the households own no capital together.
        """
        total = np.asarray(capital, dtype=np.float64).sum(axis=-1)
        return factor_prices(
            total, self.total_labour, self.productivity[shock], self.depreciation[shock], self.capital_share
        )

    def income(self, shock: ArrayLike, capital: ArrayLike) -> np.ndarray:
        """R k^h + w l^h: what each age can divide between eating and saving, shape (..., A)."""
        gross_return, wage = self.prices(shock, capital)
        return gross_return[..., None] * np.asarray(capital) + wage[..., None] * self.labour

    def next_capital(self, savings: ArrayLike) -> np.ndarray:
        """The next period's capital by age: nothing for the newborn, last period's savings for everybody else.

        Args:
            savings: a by age, shape (..., A - 1); the oldest saves nothing and is left out.

        Returns:
            k', shape (..., A).

        Raises:
            ValueError: for another number of ages.
        """
        saved = np.asarray(savings, dtype=np.float64)
        if saved.shape[-1:] != (self.cohorts - 1,):
            raise ValueError(f"savings have shape {saved.shape}: the last axis holds {self.cohorts - 1} saving ages")
        return np.concatenate([np.zeros((*saved.shape[:-1], 1)), saved], axis=-1)

    def _refuse_impossible_shocks(self) -> None:
        missing = sorted({"productivity", "depreciation"} - set(self.shocks.values))
        if missing:
            raise ValueError(f"the shocks say nothing about {' and '.join(missing)}: give both as values of the chain")
        if (self.productivity <= 0).any():
            raise ValueError(f"productivity must be positive in every shock, got {self.productivity.tolist()}")
        if (self.depreciation < 0).any() or (self.depreciation > 1).any():
            raise ValueError(f"depreciation is a share from 0 to 1, got {self.depreciation.tolist()}")

    def _refuse_debt_beyond_means(self, labour: np.ndarray) -> None:
        limit = self.borrowing_limit
        if limit is None:
            return
        if not np.isfinite(limit) or limit > 0:
            raise ValueError(f"borrowing_limit={limit}: 0, a negative number, or None for no limit")
        if limit < 0 and labour[-1] == 0:
            raise ValueError(
                f"borrowing_limit={limit} with labour[-1] = 0: who enters the last age in debt could not repay; "
                "give the last age some labour, or a limit of 0"
            )
