"""A short training that finds out where an economy lives, so that the long one can measure its inputs accordingly."""

from __future__ import annotations

from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_training import TrainingSettings, train
from dlcourse.economics.euler_errors import simulate

_UNITS = (64, 64)
_BURN_IN = 500


def standardise_by_pilot(net: EquilibriumNet, steps: int = 2_000, periods: int = 2_000, seed: int = 0) -> None:
    """Trains a small network of the same kind for some seconds, and standardises the inputs of `net` by its path.

    Call it before `train`. Two workers that call it with the same seed arrive at the same network.

    Args:
        net: a network that is still to be trained; `input_shift` and `input_scale` change.
        steps: gradient steps of the pilot.
        periods: length of its path, after 500 periods that are not looked at.
        seed: of the pilot.

    Raises:
        TrainingBrokeError: if the pilot's training breaks.
        BrokenEconomyError: if the pilot leads the economy out of existence: more steps are needed.

    Used in: Lab 08
    """
    pilot = EquilibriumNet(net.economy, _UNITS, net.activation, net.head, net.kkt, seed)
    train(pilot, steps=steps, settings=TrainingSettings(seed=seed))
    path = simulate(net.economy, pilot.policy, _BURN_IN + periods, seed)
    net.standardise(path.shocks[_BURN_IN:], path.capital[_BURN_IN:])
