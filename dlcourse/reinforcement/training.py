"""One training loop for every agent of the course: act, step, learn, evaluate, save; and go on after a kill -9.

    observations = environment.reset()
    repeat:
        actions = agent.act(observations, explore=True)
        step = environment.step(actions)
        agent.observe(step.transitions)            # store and learn
        observations = step.observations

The agent holds what it learns and how; the loop does everything around it. Each `evaluate_every` steps the agent plays
ten fixed episodes without exploration, which makes a row of the history.

Used in: Lab 06, Lab 07

Reference: Lecture 004, "RL KEY CONCEPTS" and "TRAINING POLICY GRADIENTS".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlcourse.checkpoints import CheckpointFolder
from dlcourse.progress import track
from dlcourse.reinforcement._training_record import Row, TrainingRecord, tensorboard_writer
from dlcourse.reinforcement.agent import Agent
from dlcourse.reinforcement.environments import Episode, VectorEnvironment
from dlcourse.reinforcement.evaluation import EVALUATION_SEEDS, evaluate


class TrainingDivergedError(ArithmeticError):
    """Training met NaN or infinity; the agent is back in its last good state.

    Attributes:
        step: where it happened.
        good_step: the step of the state in which the agent now is.
    """

    def __init__(self, step: int, what: str, good_step: int) -> None:
        super().__init__(
            f"step {step}: {what}. The agent is back in its last good state, that of step {good_step}: train on with a "
            "smaller learning rate or smaller rewards"
        )
        self.step = step
        self.good_step = good_step


@dataclass(frozen=True)
class TrainingSettings:
    """How long to train, and how often to look.

    Args:
        steps: transitions in all, over all copies of the environment, at least 1.
        evaluate_every: transitions between two evaluations, at least 1; the end is always evaluated.
        checkpoint_every: transitions between two checkpoints; None stands for `evaluate_every`.
        evaluation_seeds: the fixed starts.
        advance: most transitions that a self-driving agent takes in one go.
        minutes: a call ends after so many minutes, evaluated and saved, even if steps are left; None sets no limit.

    Raises:
        ValueError: if a number is below 1, there is no start or no time.

    Example:
        >>> TrainingSettings(steps=2000, evaluate_every=500).checkpoint_every is None
        True

    Used in: Lab 06, Lab 07
    """

    steps: int = 10_000
    evaluate_every: int = 1000
    checkpoint_every: int | None = None
    evaluation_seeds: tuple[int, ...] = EVALUATION_SEEDS
    advance: int = 500
    minutes: float | None = None

    def __post_init__(self) -> None:
        counts = {
            "steps": self.steps,
            "evaluate_every": self.evaluate_every,
            "checkpoint_every": self.save_every,
            "advance": self.advance,
        }
        for name, value in counts.items():
            if value < 1:
                raise ValueError(f"{name}={value}: give 1 or more")
        if not self.evaluation_seeds:
            raise ValueError("evaluation_seeds is empty: give at least one start")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes={self.minutes}: give more than 0, or None for no limit")

    @property
    def save_every(self) -> int:
        """Transitions between two checkpoints."""
        return self.evaluate_every if self.checkpoint_every is None else self.checkpoint_every


@dataclass(frozen=True)
class TrainingResult:
    """What came out.

    Attributes:
        history: one row an evaluation, with columns step, episodes (so far), training_return (mean of those that ended
            since the last row, NaN where none did), evaluation_return (mean over the fixed starts), evaluation_lowest,
            steps_per_second (of training alone), and the means of the agent's own figures.
        episodes: one row a training episode: step (at its end), total_reward, length.
        steps: transitions in all.
        resumed_at: the step at which a checkpoint was taken up; None for a run from the beginning.
    """

    history: pd.DataFrame
    episodes: pd.DataFrame
    steps: int
    resumed_at: int | None


def train(
    agent: Agent,
    environment: VectorEnvironment | None,
    settings: TrainingSettings | None = None,
    *,
    evaluation: Callable[[Agent], np.ndarray] | None = None,
    folder: str | Path | None = None,
    log_dir: str | Path | None = None,
    report: Callable[[Row], None] | None = None,
) -> TrainingResult:
    """Trains an agent, behind a progress bar with its return and its steps per second.

    With a `folder`, the run leaves checkpoints there, and a run of the same agent and environment goes on from the
    newest, bit by bit as if it had never stopped (on one thread, where the environment is `restorable`; elsewhere new
    episodes begin, with a warning). More `steps` than before prolong a finished run.

    Args:
        agent: what learns. One with a method `advance` steps environments of its own (see `SelfDrivingAgent`).
        environment: from `make_environment`; it is reset. None for a self-driving agent.
        settings: None stands for `TrainingSettings()`.
        evaluation: gives the returns of the agent, shape (episodes,); None stands for `evaluate` in fresh copies of
            the environment from `settings.evaluation_seeds`.
        folder: of the checkpoints; None saves nothing.
        log_dir: of TensorBoard's event files; None writes none.
        report: called with each new row of the history, for example to redraw a curve.

    Returns:
        History, episodes and counters.

    Raises:
        TrainingDivergedError: at NaN or infinity in rewards, actions, figures or weights, with the agent put back to
            its last good state; the checkpoints then hold a good state too.
        CheckpointMismatchError: if the folder holds a run with other settings.
        ValueError: if there is neither an environment nor an agent that brings its own and an evaluation.

    Example:
        >>> from dlcourse.reinforcement.environments import make_environment
        >>> class Sleeper:
        ...     settings, memory = {}, None
        ...     act = staticmethod(lambda observations, explore: np.zeros((len(observations), 1)))
        ...     observe = staticmethod(lambda transitions: {})
        ...     state_dict = staticmethod(dict)
        ...     load_state_dict = staticmethod(lambda state: None)
        >>> settings = TrainingSettings(steps=400, evaluate_every=200, evaluation_seeds=(0,))
        >>> result = train(Sleeper(), make_environment("Pendulum-v1", seed=0), settings)
        >>> result.history.step.tolist(), len(result.episodes)
        ([200, 400], 2)

    Used in: Lab 06, Lab 07
    """
    settings = TrainingSettings() if settings is None else settings
    drives_itself = callable(getattr(agent, "advance", None))
    if environment is None and not (drives_itself and evaluation is not None):
        raise ValueError("no environment: give one, or an agent with advance(steps) together with an evaluation")
    if evaluation is None:
        evaluation = _default_evaluation(environment, settings)
    checkpoints = None
    if folder is not None:
        same = None if environment is None else [environment.name, environment.count, environment.seed]
        checkpoints = CheckpointFolder(folder, {"agent": dict(agent.settings), "environment": same})
    run = _Run(agent, None if drives_itself else environment, checkpoints)
    resumed_at = run.begin()
    writers = [] if report is None else [report]
    with ExitStack() as stack:
        if log_dir is not None:
            write, close = tensorboard_writer(log_dir)
            writers.append(write)
            stack.callback(close)
        bar = stack.enter_context(track(range(settings.steps), "training", unit="step"))
        bar.update(run.record.step)
        training_seconds, last_row = 0.0, run.record.step
        deadline = np.inf if settings.minutes is None else time.monotonic() + 60 * settings.minutes
        out_of_time = False
        while run.record.step < settings.steps and not out_of_time:
            before, started = run.record.step, time.perf_counter()
            episodes = run.advance(_until_next_event(before, settings))
            training_seconds += time.perf_counter() - started
            now = run.record.step
            out_of_time = time.monotonic() > deadline
            at_end = now >= settings.steps or out_of_time
            bar.update(now - before)
            if episodes:
                bar.set_postfix_str(f"return={run.record.recent_return():.1f}", refresh=False)
            if at_end or now // settings.evaluate_every > before // settings.evaluate_every:
                run.refuse_divergence()
                row = run.record.close_row(evaluation(agent), (now - last_row) / max(training_seconds, 1e-9))
                training_seconds, last_row = 0.0, now
                for write in writers:
                    write(row)
            if at_end or now // settings.save_every > before // settings.save_every:
                run.save()
    return TrainingResult(run.record.history(), run.record.episodes(), run.record.step, resumed_at)


class _Run:
    """Agent, environment and record, moved forward and saved together."""

    def __init__(
        self, agent: Agent, environment: VectorEnvironment | None, checkpoints: CheckpointFolder | None
    ) -> None:
        self.agent = agent
        self.environment = environment
        self.record = TrainingRecord()
        self._checkpoints = checkpoints
        self._good: tuple[int, dict[str, np.ndarray]] = (0, {})

    def begin(self) -> int | None:
        """Takes up the newest checkpoint, or starts from nothing; returns the step of the checkpoint."""
        checkpoint = None if self._checkpoints is None else self._checkpoints.load()
        if checkpoint is None:
            if self.environment is not None:
                self.environment.reset()
        else:
            self.agent.load_state_dict(_part("agent/", checkpoint.arrays))
            if self.agent.memory is not None:
                self.agent.memory.load_state_dict(_part("memory/", checkpoint.arrays))
            if self.environment is not None:
                self.environment.load_state_dict(_part("environment/", checkpoint.arrays))
            self.record.load(checkpoint.step, checkpoint.state)
        self._good = (self.record.step, self.agent.state_dict())
        return None if checkpoint is None else checkpoint.step

    def advance(self, most: int) -> list[Episode]:
        """Takes one step of all copies, or lets the agent take up to `most`; returns the episodes that ended."""
        if self.environment is None:
            steps, episodes, figures = self.agent.advance(most)
        else:
            actions = np.asarray(self.agent.act(self.environment.observations, explore=True))
            if not np.isfinite(actions).all():
                self._diverged("the agent's actions are not finite")
            _, transitions, episodes = self.environment.step(actions)
            if not np.isfinite(transitions.rewards).all():
                self._diverged("the environment's rewards are not finite")
            steps, figures = self.environment.count, self.agent.observe(transitions)
        self.record.take(steps, episodes, figures)
        if figures:
            self.refuse_divergence()
        return episodes

    def refuse_divergence(self) -> None:
        """Raises `TrainingDivergedError` if a figure of the agent is NaN or infinite."""
        what = self.record.not_finite()
        if what is not None:
            self._diverged(what)

    def save(self) -> None:
        """Keeps the state as the last good one and writes a checkpoint; raises if it holds NaN or infinity."""
        state = self.agent.state_dict()
        for name, array in state.items():
            if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
                self._diverged(f"{name} holds NaN or infinity")
        self._good = (self.record.step, state)
        if self._checkpoints is None:
            return
        arrays = {f"agent/{name}": array for name, array in state.items()}
        if self.agent.memory is not None:
            arrays |= {f"memory/{name}": array for name, array in self.agent.memory.state_dict().items()}
        if self.environment is not None:
            arrays |= {f"environment/{name}": array for name, array in self.environment.state_dict().items()}
        self._checkpoints.save(self.record.step, arrays, self.record.state())

    def _diverged(self, what: str) -> None:
        good_step, state = self._good
        self.agent.load_state_dict(state)
        raise TrainingDivergedError(self.record.step, what, good_step)


def _default_evaluation(environment: VectorEnvironment, settings: TrainingSettings) -> Callable[[Agent], np.ndarray]:
    return lambda agent: evaluate(agent, environment.make, settings.evaluation_seeds)


def _until_next_event(step: int, settings: TrainingSettings) -> int:
    """Transitions until the next evaluation, checkpoint or the end, at most `settings.advance`."""
    events = [every - step % every for every in (settings.evaluate_every, settings.save_every)]
    return min(*events, settings.steps - step, settings.advance)


def _part(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
