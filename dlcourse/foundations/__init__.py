"""From scratch, in NumPy, to be read: activations, losses, initializers, optimizers, descent, perceptron, MLP.

The estimators (perceptron and MLP) bring scikit-learn along, so they are imported at their first use.

Used in: Lab 01, Lab 02

Reference: Lecture 004, the Wednesday part.
"""

from typing import TYPE_CHECKING

from dlcourse.foundations._softmax import softmax, softmax_jacobian
from dlcourse.foundations.activations import (
    Activation,
    get_activation,
    linear,
    linear_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    swish,
    swish_derivative,
    tanh,
    tanh_derivative,
)
from dlcourse.foundations.gradient_descent import Trajectory, gradient_descent, stochastic_gradient_descent
from dlcourse.foundations.initializers import (
    get_initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    normal,
)
from dlcourse.foundations.losses import (
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    categorical_cross_entropy,
    categorical_cross_entropy_gradient,
    mean_squared_error,
    mean_squared_error_gradient,
)
from dlcourse.foundations.objectives import Beale, HousingRegression, QuadraticBowl, Rosenbrock
from dlcourse.foundations.optimizers import (
    AdaGrad,
    Adam,
    AdaptiveLearningRate,
    GradientDescent,
    InverseTimeDecay,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    get_optimizer,
)
from dlcourse.lazy import lazy_exports

if TYPE_CHECKING:
    from dlcourse.foundations.mlp import MLPClassifier, MLPRegressor
    from dlcourse.foundations.perceptron import PerceptronClassifier

_LAZY = {"MLPClassifier": "mlp", "MLPRegressor": "mlp", "PerceptronClassifier": "perceptron"}

__all__ = [
    "Activation",
    "AdaGrad",
    "Adam",
    "AdaptiveLearningRate",
    "Beale",
    "GradientDescent",
    "HousingRegression",
    "InverseTimeDecay",
    "MLPClassifier",
    "MLPRegressor",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "PerceptronClassifier",
    "QuadraticBowl",
    "RMSProp",
    "Rosenbrock",
    "Trajectory",
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "categorical_cross_entropy",
    "categorical_cross_entropy_gradient",
    "get_activation",
    "get_initializer",
    "get_optimizer",
    "glorot_normal",
    "glorot_uniform",
    "gradient_descent",
    "he_normal",
    "he_uniform",
    "linear",
    "linear_derivative",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "normal",
    "relu",
    "relu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
    "softmax_jacobian",
    "stochastic_gradient_descent",
    "swish",
    "swish_derivative",
    "tanh",
    "tanh_derivative",
]

__getattr__, __dir__ = lazy_exports(__name__, _LAZY, __all__)
