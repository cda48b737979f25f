"""What TensorFlow can follow trains; what it cannot gives way, and says so."""

import numpy as np
import pytest

from dlcourse.reinforcement.ddpg import Rules
from dlcourse.reinforcement.tried_rules import tried_rules


def plain(rewards, terminated, next_values, discount):
    return rewards + discount * next_values * (1 - terminated)


def test_plain_arithmetic_is_taken(capsys):
    rules = tried_rules(
        critic_target=plain, polyak_average=lambda target, online, tau: target + tau * (online - target)
    )
    assert rules.critic_target is plain
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "formula",
    [
        lambda r, d, v, g: np.where(d > 0, r, r + g * v),
        lambda r, d, v, g: np.array(r) + g * np.array(v),
        lambda r, d, v, g: [a + g * b for a, b in zip(r.tolist(), v.tolist(), strict=True)],
        lambda r, d, v, g: 1 / 0,
        lambda r, d, v, g: None,
        lambda r, d, v, g: r[:1],
    ],
)
def test_what_works_for_arrays_alone_gives_way_with_a_word(formula, capsys):
    assert tried_rules(critic_target=formula) == Rules()
    printed = capsys.readouterr().out
    assert "critic_target" in printed
    assert "the course's own trains" in printed


def test_an_unknown_formula_is_named():
    with pytest.raises(TypeError, match="no formula is called actor; there are critic_target"):
        tried_rules(actor=plain)
