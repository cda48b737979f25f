"""Formulas of one's own train a DQN like the course's; those that TensorFlow cannot follow give way, with a message."""

from __future__ import annotations

import numpy as np
import pytest

from dlcourse.checks import lab_07_learning
from dlcourse.reinforcement.dqn import DQN, DQNRules
from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.tried_dqn_rules import tried_dqn_rules

SETTINGS = DQNSettings(
    hidden=(8,),
    double=False,
    warm_up=64,
    batch_size=16,
    compiled=False,
    updates_per_call=2,
    epsilon_steps=100,
    n_step=2,
)


def trained(rules: DQNRules | None) -> DQN:
    environment = make_environment("CartPole-v1", copies=4, seed=0)
    agent = DQN(environment, SETTINGS, rules=rules)
    observations = environment.reset()
    for _ in range(25):
        observations, transitions, _ = environment.step(agent.act(observations, explore=True))
        agent.observe(transitions)
    return agent


def test_the_formulas_of_the_exercises_train_as_the_courses_own() -> None:
    given = {"target": lab_07_learning.q_target, "loss": lab_07_learning.huber, "epsilon": lab_07_learning.epsilon_at}
    ours, theirs = trained(None), trained(tried_dqn_rules(**given))
    assert ours.epsilon == theirs.epsilon
    for one, other in zip(ours.network.weights, theirs.network.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_wrong_formula_is_really_used() -> None:
    rules = tried_dqn_rules(target=lambda r, d, v, gamma: 5.0 + 0 * r, epsilon=lambda step, first, last, steps: 0.25)
    assert rules.loss is DQNRules().loss
    agent = trained(rules)
    assert agent.epsilon == 0.25
    for one, other in zip(trained(None).network.weights[:1], agent.network.weights[:1], strict=True):
        assert np.abs(np.asarray(one) - np.asarray(other)).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "formula", "words"),
    [
        ("loss", lambda errors: np.where(np.abs(errors) < 1, errors, errors), "loss is right for arrays"),
        ("target", lambda r, d, v, gamma: r.missing, "target is right for arrays"),
        ("epsilon", lambda step, first, last, steps: 1 / 0, "epsilon fails in training"),
        ("epsilon", lambda step, first, last, steps: 7.0, "epsilon fails in training"),
    ],
)
def test_what_training_cannot_use_gives_way_with_a_message(
    name: str, formula: object, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert getattr(tried_dqn_rules(**{name: formula}), name) is getattr(DQNRules(), name)
    assert words in capsys.readouterr().out
