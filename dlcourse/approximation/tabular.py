"""Tables for networks: numbers are standardised and categories become indicator columns, by Keras's own layers.

Used in: Lab 04

Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR" (the loans), "RECIPE FOR USING MLP (II)".
"""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd

from dlcourse.datasets import Dataset, Table

MISSING = "missing"


def feature_encoder(frame: pd.DataFrame) -> keras.Model:
    r"""Makes a model that turns the columns of a table into one row of numbers, and adapts it to `frame`.

    A numeric column x becomes :math:`(x - \mu) / \sigma` with mean and standard deviation of `frame`
    (`keras.layers.Normalization`). A categorical column with k levels in `frame` becomes 1 + k columns of zeros and a
    one (`keras.layers.StringLookup`): the first stands for any level that `frame` does not have.

    Adapt it to the training rows alone. Statistics of the other rows would leak into the training.

    Args:
        frame: the training rows. Columns of numbers and of categories or strings. Missing categories are a level of
            their own, "missing"; missing numbers are an error.

    Returns:
        A Keras model without trainable weights, which maps `feature_columns(frame)` to a float32 tensor (n, features):
        numeric columns first, then the categorical ones, each group in the order of the table.

    Raises:
        TypeError: if `frame` is no DataFrame.
        ValueError: if it has no rows or no columns, or a number is missing.

    Example:
        >>> people = pd.DataFrame({"home": ["rent", "own", "rent"], "age": [20, 30, 40]})
        >>> encode = feature_encoder(people)
        >>> new = pd.DataFrame({"home": ["own", "tent"], "age": [30, 40]})
        >>> np.asarray(encode(feature_columns(new))).round(2).tolist()
        [[0.0, 0.0, 1.0, 0.0], [1.2200000286102295, 1.0, 0.0, 0.0]]

    Used in: Lab 04

    Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
    """
    columns = feature_columns(frame)
    inputs: dict[str, keras.KerasTensor] = {}
    numbers, categories = [], []
    for name, values in columns.items():
        if values.dtype == np.float32:
            inputs[name] = keras.Input((1,), name=name, dtype="float32")
            # Given instead of adapted: adapt() would take the mean in float32, and a constant column's spread as 0.
            mean, spread = values.mean(dtype=np.float64), values.std(dtype=np.float64)
            scale = keras.layers.Normalization(mean=float(mean), variance=float(spread**2 or 1.0))
            numbers.append(scale(inputs[name]))
        else:
            inputs[name] = keras.Input((1,), name=name, dtype="string")
            levels = sorted(set(values[:, 0]))
            lookup = keras.layers.StringLookup(vocabulary=levels, output_mode="one_hot")
            categories.append(lookup(inputs[name]))
    parts = [*numbers, *categories]
    joined = keras.layers.Concatenate()(parts) if len(parts) > 1 else keras.layers.Identity()(parts[0])
    return keras.Model(inputs, joined, name="feature_encoder")


def feature_columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Takes a table apart into the columns that a Keras model with one input a column reads.

    Args:
        frame: any rows of the table.

    Returns:
        Column name to array of shape (n, 1): float32 for numbers, Python strings (dtype object) for categories.

    Raises:
        TypeError: if `frame` is no DataFrame.
        ValueError: if it has no rows or no columns, or a number is missing.

    Example:
        >>> columns = feature_columns(pd.DataFrame({"age": [20, 30], "home": ["rent", None]}))
        >>> columns["age"].ravel().tolist(), columns["home"].ravel().tolist()
        ([20.0, 30.0], ['rent', 'missing'])

    Used in: Lab 04
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a pandas DataFrame, got {type(frame).__name__}.")
    if frame.empty:
        raise ValueError(f"frame must have rows and columns, got {len(frame)} rows and {len(frame.columns)} columns.")
    return {str(name): _column(frame[name]).reshape(-1, 1) for name in frame.columns}


def _column(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=np.float32, na_value=np.nan)
        if not np.isfinite(numbers).all():
            raise ValueError(
                f"column {values.name!r} has {int((~np.isfinite(numbers)).sum())} missing or infinite numbers; fill "
                "them in, for example with the training rows' median."
            )
        return numbers
    texts = [MISSING if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]
    return np.array(texts, dtype=object)


def as_table(dataset: Dataset) -> Table:
    """Makes a table of a two-class data set whose columns are all numbers.

    Args:
        dataset: inputs, classes 0 and 1, and their names.

    Returns:
        The same rows as a `Table` without categorical columns.

    Raises:
        ValueError: if the data set does not have two named classes.

    Example:
        >>> from dlcourse.datasets import load_breast_cancer
        >>> tumours = as_table(load_breast_cancer())
        >>> len(tumours.numeric_columns), tumours.categorical_columns, tumours.target_names
        (30, (), ('benign', 'malignant'))

    Used in: Lab 04
    """
    if len(dataset.target_names) != 2:
        raise ValueError(f"a table needs two classes, {dataset.name} has {len(dataset.target_names)} named ones.")
    first, second = dataset.target_names
    return Table(
        name=dataset.name,
        frame=pd.DataFrame(dataset.X, columns=list(dataset.feature_names)),
        y=dataset.y,
        descriptions={name: name for name in dataset.feature_names},
        target_names=(first, second),
        provenance=dataset.provenance,
    )
