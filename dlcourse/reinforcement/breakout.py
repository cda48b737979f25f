"""The course's Atari player: how it is trained, scored, saved and loaded.

`dlcourse train breakout` is `train_breakout` on the command line. The profile "nature" is the method of the Nature
paper; "fast" spends the same processor time better: a network of a third of the cost in bfloat16, batches of 128,
double DQN with a dueling head, three-step targets and prioritised replay, and half of each batch seen in a mirror.
Breakout's walls, bricks and moves are symmetric; its score, the colours beside the paddle and how far the paddle goes
at either end are not.

Used in: Lab 07

Reference: Mnih et al. (2015); Hessel et al. (2018), Rainbow.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_name, check_positive
from dlcourse.files import open_atomically, write_atomically
from dlcourse.reinforcement.atari import AtariGames, play_games
from dlcourse.reinforcement.atari_screen import FRAMES_PER_STEP, AtariScreen
from dlcourse.reinforcement.dqn import DQN, make_network
from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.exploration import epsilon_greedy
from dlcourse.reinforcement.plots_values import learning_curves
from dlcourse.reinforcement.q_networks import CompiledNetwork
from dlcourse.reinforcement.training import TrainingResult, TrainingSettings, train
from dlcourse.reinforcement.watching import Recording, record
from dlcourse.weights import load_weights

NAME = "breakout_player"
# NOOP, FIRE, RIGHT, LEFT: the mirror exchanges the last two.
MIRROR = (0, 1, 3, 2)


@dataclass(frozen=True)
class Profile:
    """A way to train.

    Attributes:
        settings: of the agent.
        copies: games side by side.
        frames: of the game, in all.
    """

    settings: DQNSettings
    copies: int
    frames: int


PROFILES = {
    "fast": Profile(
        DQNSettings(
            network="nature",
            filters=(16, 32, 32),
            hidden=(256,),
            dueling="mean",
            precision="bfloat16",
            double=True,
            n_step=3,
            learning_rate=2.5e-4,
            last_learning_rate=2.5e-5,
            adam_epsilon=5e-5,
            batch_size=128,
            train_every=16,
            updates_per_call=1,
            compiled=False,
            target_every=500,
            warm_up=10_000,
            replay_capacity=500_000,
            priority_exponent=0.5,
            first_epsilon=1.0,
            last_epsilon=0.02,
            epsilon_steps=150_000,
            mirror=MIRROR,
        ),
        copies=16,
        frames=9_000_000,
    ),
    "nature": Profile(
        DQNSettings(
            network="nature",
            hidden=(512,),
            double=False,
            learning_rate=1e-4,
            adam_epsilon=1e-6,
            batch_size=32,
            train_every=4,
            updates_per_call=1,
            compiled=False,
            target_every=2_500,
            warm_up=50_000,
            replay_capacity=1_000_000,
            first_epsilon=1.0,
            last_epsilon=0.1,
            epsilon_steps=1_000_000,
        ),
        copies=4,
        frames=40_000_000,
    ),
}


class AtariPlayer:
    """A trained Q-network that plays.

    Args:
        network: stacks of frames (B, 4, 84, 84), uint8, to values (B, actions).

    Used in: Lab 07
    """

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self._compiled = CompiledNetwork(network)

    def values(self, observations: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Q(s, a), shape (B, actions)."""
        return self._compiled(observations)

    def act(self, observations: NDArray[np.uint8], explore: bool = False) -> NDArray[np.int64]:
        """The actions with the largest values, shape (B,)."""
        return self.values(observations).argmax(axis=1)


def save_player(agent: DQN, path: Path) -> None:
    """Writes the online network of an agent as half-precision numbers, with the settings that rebuild it."""
    weights = {f"weight_{index:02d}": value for index, value in enumerate(agent.network.get_weights())}
    header = json.dumps({"settings": asdict(agent.options), "actions": agent.action_count})
    with open_atomically(Path(path)) as file:
        np.savez(
            file,
            header=np.frombuffer(header.encode(), np.uint8),
            **{name: value.astype(np.float16) for name, value in weights.items()},
        )


def load_player(name: str | Path = NAME) -> AtariPlayer:
    """A player that was saved, or the one that the course ships.

    Args:
        name: of a shipped network, or the path of an `.npz` file from `save_player`.

    Raises:
        FileNotFoundError: if there is no such network.

    Used in: Lab 07
    """
    if str(name).endswith(".npz"):
        with np.load(name, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    else:
        arrays = load_weights(str(name))
    header = json.loads(arrays.pop("header").tobytes())
    settings = DQNSettings(**{**header["settings"], "precision": "float32"})
    network = make_network(settings, (4, 84, 84), header["actions"], seed=0)
    network.set_weights([arrays[key].astype(np.float32) for key in sorted(arrays)])
    return AtariPlayer(network)


def train_breakout(
    out: Path,
    profile: str = "fast",
    *,
    frames: int | None = None,
    hours: float | None = None,
    seed: int = 0,
    evaluate_every: int = 150_000,
    evaluation_games: int = 10,
    checkpoints: Path | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> TrainingResult:
    """Trains the player; a call that was stopped, by kill -9 too, goes on from its last checkpoint.

    After each evaluation it writes breakout_player.npz into `out`, at the end the learning curve as CSV and PNG.

    Args:
        out: folder of the results.
        profile: "fast" or "nature".
        frames: of the game in all; learning rate and beta move over them. None stands for the profile's.
        hours: this call ends after so many hours; None sets no limit.
        seed: of weights, games and draws.
        evaluate_every: agent steps between two evaluations and checkpoints.
        evaluation_games: games of each evaluation, at least 1.
        checkpoints: folder of the checkpoints; None stands for `out/checkpoints`.
        report: called with each row of the curve.

    Raises:
        TypeError: for a number of frames that is none.
        ValueError: for numbers out of range, or checkpoints of another run.
        TrainingDivergedError: at NaN.

    Used in: Lab 07
    """
    check_name("profile", profile, PROFILES)
    chosen = PROFILES[profile]
    frames = check_count("frames", chosen.frames if frames is None else frames)
    steps = max(1, frames // FRAMES_PER_STEP)
    settings = replace(chosen.settings, total_steps=steps)
    games = AtariGames("breakout", copies=chosen.copies, seed=1000 * seed)
    agent = DQN(games, settings, seed=seed)
    out = Path(out)

    def write(row: dict[str, float]) -> None:
        save_player(agent, out / f"{NAME}.npz")
        if report is not None:
            report(row)

    with closing(games):
        result = train(
            agent,
            games,
            TrainingSettings(steps=steps, evaluate_every=evaluate_every, minutes=None if hours is None else 60 * hours),
            evaluation=lambda agent: play_games(agent, episodes=evaluation_games),
            folder=checkpoints or out / "checkpoints",
            report=write,
        )
    save_player(agent, out / f"{NAME}.npz")
    write_curve(result.history, out)
    return result


def write_curve(history: pd.DataFrame, out: Path) -> None:
    """Writes the history of a training as breakout_player_curve.csv, with frames beside steps, and as a picture."""
    table = history.assign(frames=history["step"] * FRAMES_PER_STEP)
    write_atomically(Path(out) / f"{NAME}_curve.csv", table.round(4).to_csv(index=False, lineterminator="\n"))
    curves = {
        "games while learning": (history["step"], history["training_return"]),
        "evaluation, epsilon .05": (history["step"], history["evaluation_return"]),
    }
    figure = learning_curves(curves, "Breakout: score of whole games", "mean score", goal=None)
    with open_atomically(Path(out) / f"{NAME}_curve.png") as file:
        figure.savefig(file, format="png", dpi=120)
    plt.close(figure)


def score_and_write(player: AtariPlayer | DQN, out: Path, games: int = 30, epsilon: float = 0.05) -> NDArray:
    """Plays games from no-op starts and writes their scores to breakout_player_evaluation.csv.

    Returns:
        The games' own scores, shape (games,).

    Used in: Lab 07
    """
    scores = play_games(player, episodes=games, epsilon=epsilon)
    table = pd.DataFrame({"game": np.arange(games), "score": scores})
    write_atomically(Path(out) / f"{NAME}_evaluation.csv", table.to_csv(index=False, lineterminator="\n"))
    return scores


def record_game(
    player: AtariPlayer | DQN,
    seconds: float = 60.0,
    *,
    epsilon: float = 0.05,
    seed: int = 0,
    every: int = 3,
    width: int = 120,
) -> Recording:
    """The first seconds of a game in colour, or the whole of it where it is shorter.

    Args:
        player: what plays.
        seconds: of the console's time, 15 steps each, above 0.
        epsilon: probability of a random action, as in `play_games`.
        seed: of the game's start and of the random actions.
        every: steps from one picture to the next.
        width: of the pictures, in pixels.

    Raises:
        ValueError: for numbers out of range.

    Used in: Lab 07
    """
    generator = np.random.default_rng(seed)

    def choose(observations: NDArray[np.uint8]) -> NDArray[np.int64]:
        actions = player.act(observations, explore=False)
        return epsilon_greedy(actions, len(MIRROR), epsilon, generator)

    steps = max(1, round(AtariScreen.metadata["render_fps"] * check_positive("seconds", seconds)))
    return record(choose, AtariScreen, seed=seed, every=every, width=width, max_steps=steps)
