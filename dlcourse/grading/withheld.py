"""Functions of the library that give an exercise's answer under another name, or on the way to something larger.

An exercise's reference is withheld anyway. Here stand the others: what gives the exercise's results when it is called
with its inputs, directly, in another order, or as a method of an object that is built from them. tests/grading looks
for more by calling what the package has. `"module:name"`, the module without the package's name.
"""

from __future__ import annotations

SAME_ANSWERS: dict[str, tuple[str, ...]] = {
    "1.1": ("foundations.mlp_steps:numerical_gradient",),
    "1.2": ("foundations.momentum:GradientDescent._update",),
    "1.4": ("foundations.objectives:HousingRegression.gradient",),
    "1.5": ("foundations.objectives:HousingRegression.sample_gradient",),
    "1.6": ("foundations.momentum:Momentum._accelerate", "foundations.momentum:Momentum._update"),
    "1.7": ("foundations.adaptive:Adam._update",),
    "2.2": ("foundations.perceptron:PerceptronClassifier.predict",),
    "2.5": ("foundations.network:FeedForwardNetwork.forward",),
    "2.6": ("foundations.network:FeedForwardNetwork.output_error",),
    "2.8": ("foundations.network:FeedForwardNetwork.backward", "foundations.network:FeedForwardNetwork.gradients"),
    "2.9": ("foundations.descent_steps:numerical_derivative",),
    "2.12": ("foundations._softmax:softmax",),
    "2.13": ("foundations.losses:categorical_cross_entropy",),
    "3b.2": ("approximation.genz:_oscillatory",),
    "3b.3": ("approximation.genz:_gaussian",),
    "3b.4": ("approximation.genz:_corner_peak",),
    "3b.9": ("approximation.genz:_product_peak_integral",),
    "5.2": ("sequences.backpropagation_through_time:unroll",),
    "5.3": ("sequences.backpropagation_through_time:backpropagate",),
    "5.4": ("sequences.backpropagation_through_time:clip_by_norm",),
    "5.6": ("sequences.text:perplexity",),
    "5b.7": ("sequences.prediction_bands:PredictionBand.of_errors",),
    "6.6": ("reinforcement.ddpg:critic_target", "reinforcement.targets:dqv_target"),
    "6.7": ("reinforcement.ddpg:polyak_average",),
    "6.8": ("reinforcement.exploration:OrnsteinUhlenbeckNoise.sample",),
    "7.1": ("reinforcement.targets:q_learning_target",),
    "7.2": ("reinforcement.exploration:LinearSchedule.__call__",),
    "7.3": ("reinforcement.replay:ReplayBuffer.sample",),
    "7.4": ("reinforcement.dqn:huber",),
    "7.5": ("reinforcement.n_step:n_step", "reinforcement.targets:n_step_returns"),
    "7.7": ("reinforcement.q_networks:dueling_values",),
    "7.8": ("reinforcement.targets:double_q_target",),
    "8.2": ("economics.production:factor_prices",),
    "8.4": ("economics.analytic_olg:savings_shares",),
    "8.9": ("economics.steady_state:fischer_burmeister",),
    "8b.5": ("economics.steady_state:fischer_burmeister",),
    "8b.8": ("economics.two_asset_net:clearing_factor", "economics.two_asset_residuals:_clearing_factor"),
}
