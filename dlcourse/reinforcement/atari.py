"""Atari games for `train`: ALE's own vector environment, with the preprocessing of the Nature paper.

An agent step is four frames of the game. The agent sees grey 84 x 84 pictures, the last four of them at once; each is
the brighter of two frames, because the console draws some things in every second frame only. Rewards are clipped to -1,
0 and 1; the score that is reported is the game's own. A lost life ends the transition (nothing is to be expected after
it), but not the game; where the game waits for its button after a lost life, it is pressed.

Used in: Lab 07

Reference: Mnih et al. (2015), "Methods"; Machado et al. (2018), Revisiting the Arcade Learning Environment.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import closing

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_name
from dlcourse.progress import track
from dlcourse.reinforcement.agent import Agent
from dlcourse.reinforcement.environments import Episode, Step, checked_actions
from dlcourse.reinforcement.exploration import epsilon_greedy
from dlcourse.reinforcement.replay import Transitions

# One reset of all copies after a restart takes seeds that no run before has seen.
_RESTART_STRIDE = 10_007


class AtariGames:
    """N copies of an Atari game, with the methods of `VectorEnvironment`.

    Args:
        game: name of the ROM in ale-py, such as "breakout".
        copies: N, at least 1.
        seed: copy i is seeded with `seed + i`.
        life_loss_terminates: whether a lost life is a terminal transition.
        clip_rewards: whether transitions hold the sign of the reward; episodes always hold the game's own score.
        no_ops: most frames of doing nothing at a game's start, drawn at random.
        max_frames: a game is truncated after so many frames; 108,000 are 30 minutes.
        threads: of ALE; 1 leaves the other cores alone.

    Attributes:
        lives: lives that are left in each copy, shape (N,).

    Raises:
        ValueError: for a game that ale-py does not bring, or counts below 1.

    Example:
        >>> games = AtariGames("breakout", copies=2)
        >>> games.reset().shape
        (2, 4, 84, 84)
        >>> games.step(np.array([0, 2])).transitions.rewards
        array([0., 0.])

    Used in: Lab 07
    """

    restorable = False

    def __init__(
        self,
        game: str = "breakout",
        *,
        copies: int = 1,
        seed: int = 0,
        life_loss_terminates: bool = True,
        clip_rewards: bool = True,
        no_ops: int = 30,
        max_frames: int = 108_000,
        threads: int = 1,
    ) -> None:
        # Loaded here: the command line imports this chapter on machines without Atari.
        from ale_py import roms
        from ale_py.vector_env import AtariVectorEnv

        check_name("game", game, roms.get_all_rom_ids())
        self.name = f"atari/{game}"
        self.count = check_count("copies", copies)
        self.seed = check_count("seed", seed, 0)
        self._clip = clip_rewards
        self._life_loss_terminates = life_loss_terminates
        self._games = AtariVectorEnv(
            game,
            copies,
            autoreset_mode="SameStep",
            reward_clipping=False,
            use_fire_reset=True,
            noop_max=check_count("no_ops", no_ops, 0),
            max_num_frames_per_episode=check_count("max_frames", max_frames),
            num_threads=check_count("threads", threads),
        )
        self.observation_space = self._games.single_observation_space
        self.action_space: spaces.Discrete = self._games.single_action_space
        self.action_names = [action.name for action in self._games.ale.get_action_set()]
        self._button = self.action_names.index("FIRE") if "FIRE" in self.action_names else None
        self.observations: NDArray[np.uint8] | None = None
        self._restarts = 0

    def reset(self) -> NDArray[np.uint8]:
        """Begins new games from the seed; returns the first stacks of frames, shape (N, 4, 84, 84)."""
        return self._begin(self.seed)

    def step(self, actions: NDArray) -> Step:
        """Four frames of every copy; a copy whose game ended begins a new one at once.

        Args:
            actions: integers of shape (N,), numbers in `action_names`. Where a life was lost the step before, the
                button is pressed instead; the transition holds what was done.

        Raises:
            ValueError: for other actions, or before the first `reset`.
        """
        if self.observations is None:
            raise ValueError(f"{self.name}: call reset() before the first step")
        actions = checked_actions(actions, self.action_space, self.count).astype(np.int64)
        if self._button is not None:
            actions = np.where(self._waiting, self._button, actions)
        following, rewards, over, truncated, information = self._games.step(actions)
        over, truncated = over.astype(bool), truncated.astype(bool) & ~over.astype(bool)
        ended = over | truncated
        lives = information["lives"].copy()
        lost = (lives < self.lives) & ~ended
        self.lives, self._waiting = lives, lost
        rewards = rewards.astype(np.float64)
        self._scores += rewards
        self._lengths += 1
        successors = following
        episodes = []
        if ended.any():
            successors = following.copy()
            successors[ended] = information["final_obs"][ended]
            for index in np.flatnonzero(ended):
                episodes.append(Episode(float(self._scores[index]), int(self._lengths[index])))
                self._scores[index] = self._lengths[index] = 0
        terminated = over | lost if self._life_loss_terminates else over
        seen = np.sign(rewards) if self._clip else rewards
        transitions = Transitions(self.observations, actions, seen, successors, terminated, truncated)
        self.observations = following
        return Step(following, transitions, episodes)

    def state_dict(self) -> dict[str, np.ndarray]:
        """The number of restarts: ALE's vector environment does not give its games' state away."""
        return {"restarts": np.array(self._restarts)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Begins new games, from a seed that the run has not used, and says so in a `UserWarning`."""
        self._restarts = int(state["restarts"]) + 1
        seed = self.seed + _RESTART_STRIDE * self._restarts
        warnings.warn(f"{self.name} begins new games, from seed {seed}", stacklevel=2)
        self._begin(seed)

    def close(self) -> None:
        """Frees the games."""
        self._games.close()

    def _begin(self, seed: int) -> NDArray[np.uint8]:
        self.observations, information = self._games.reset(seed=seed)
        self.lives = information["lives"].copy()
        self._waiting = np.zeros(self.count, bool)
        self._scores = np.zeros(self.count)
        self._lengths = np.zeros(self.count, np.int64)
        return self.observations


def play_games(
    agent: Agent,
    game: str = "breakout",
    *,
    episodes: int = 30,
    epsilon: float = 0.05,
    seed: int = 100_000,
    max_frames: int = 108_000,
) -> NDArray[np.float64]:
    """The scores of whole games, from no-op starts, with some actions at random.

    The games run side by side, one copy each, so that long games count as often as short ones.

    Args:
        agent: what plays; `act(observations, explore=False)` gives its greedy actions.
        game: as for `AtariGames`.
        episodes: number of games.
        epsilon: probability of a random action, 0 to 1.
        seed: of the games and of the random actions.
        max_frames: a game ends after so many frames.

    Returns:
        The games' own scores, shape (episodes,).

    Raises:
        ValueError: if `epsilon` is no probability or there is no game to play.

    Used in: Lab 07

    Reference: Mnih et al. (2015), "Methods: Evaluation procedure".
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon={epsilon}: give a probability, 0 to 1")
    games = AtariGames(game, copies=episodes, seed=seed, life_loss_terminates=False, max_frames=max_frames)
    generator = np.random.default_rng(seed)
    scores = np.full(episodes, np.nan)
    running = np.arange(episodes)
    observations = games.reset()
    with closing(games), track(range(episodes), f"playing {game}", unit="game") as bar:
        while len(running):
            actions = np.zeros(episodes, np.int64)
            actions[running] = agent.act(observations[running], explore=False)
            actions = epsilon_greedy(actions, games.action_space.n, epsilon, generator)
            observations, played, finished = games.step(actions)
            ended = np.flatnonzero(played.terminated | played.truncated)
            for index, episode in zip(ended, finished, strict=True):
                if np.isnan(scores[index]):
                    scores[index] = episode.total_reward
                    bar.update(1)
            running = np.flatnonzero(np.isnan(scores))
    return scores
