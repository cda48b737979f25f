"""The array type of this chapter, and how numbers become one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]


def as_float(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as an array of floats: floats keep their dtype, integers become float64.

    Args:
        values: Real numbers, any shape.
        name: What to call them in an error message.

    Returns:
        The array; `values` itself when it is an array of floats already.

    Raises:
        TypeError: If `values` does not hold real numbers.

    Example:
        >>> as_float([1, 2], "z")
        array([1., 2.])
    """
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return array
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    raise TypeError(
        f"{name} must hold real numbers; got dtype {array.dtype}. Convert with np.asarray({name}, dtype=float)."
    )
