"""A table of mixed columns, numbers beside categories, with what each column means."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """A classification data set whose columns have names, types and meanings.

    Args:
        name: short name, as in the registry where it stands there.
        frame: one row a sample; numbers are integer or float columns, categories are pandas categoricals, ordered where
            their values have an order.
        y: class of each row, 0 or 1, shape (n,), int64, read-only; 1 is the class to be found.
        descriptions: what each column of `frame` means, with its unit, by column name and in the order of the columns.
        target_names: name of class 0, of class 1.
        provenance: where the rows come from and what was done to them, in a sentence or two.
        costs: cost of each decision, shape (2, 2), row = true class, column = predicted class; None where the source
            states none.

    Raises:
        ValueError: when frame and y differ in length, or the descriptions do not match the columns.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"age": [30, 40], "job": pd.Categorical(["none", "skilled"])})
        >>> meanings = {"age": "in years", "job": "level of the job"}
        >>> people = Table("demo", frame, np.array([1, 0]), meanings, ("good", "bad"), "made up")
        >>> people
        Table(demo: 2 rows, 1 numeric and 1 categorical columns, 50.0 % bad; made up)
        >>> people.categorical_columns
        ('job',)

    Used in: Lab 04
    """

    name: str
    frame: pd.DataFrame
    y: np.ndarray
    descriptions: dict[str, str]
    target_names: tuple[str, str]
    provenance: str
    costs: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len(self.frame) != len(self.y):
            raise ValueError(
                f"{self.name} needs one target a row, got {len(self.frame)} rows and {len(self.y)} targets."
            )
        if list(self.descriptions) != list(self.frame.columns):
            raise ValueError(
                f"{self.name} needs a description for each column, in their order, got {list(self.descriptions)} for "
                f"the columns {list(self.frame.columns)}."
            )
        for field in ("y", "costs"):
            array = getattr(self, field)
            if array is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, field, view)

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Names of the columns that hold numbers."""
        return tuple(self.frame.select_dtypes("number").columns)

    @property
    def categorical_columns(self) -> tuple[str, ...]:
        """Names of the columns that hold categories."""
        return tuple(self.frame.select_dtypes("category").columns)

    def __repr__(self) -> str:
        share = f"{100 * self.y.mean():.1f} % {self.target_names[1]}" if len(self.y) else "no rows"
        return (
            f"Table({self.name}: {len(self.frame)} rows, {len(self.numeric_columns)} numeric and "
            f"{len(self.categorical_columns)} categorical columns, {share}; {self.provenance})"
        )


def import_pandas(caller: str) -> ModuleType:
    """Import pandas, which only the loaders of tables need.

    Args:
        caller: name of the function that needs it, for the message.

    Returns:
        The module.

    Raises:
        ImportError: when pandas is not installed; says how to install it.

    Example:
        >>> import_pandas("load_credit").__name__
        'pandas'

    Used in: Lab 04
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{caller} returns a pandas DataFrame, and pandas is not installed. "
            "`pip install pandas` installs it; the labs' set-up brings it."
        ) from error
    return pandas
