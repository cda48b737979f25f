"""Watching a policy act: an animation below the cell, in Jupyter and in Colab, and a GIF or MP4 file.

Used in: Lab 06, Lab 07
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, sin
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from dlcourse import plots
from dlcourse.files import open_atomically
from dlcourse.reinforcement.environments import (
    checked_action_space,
    checked_actions,
    checked_observation_space,
    environment_maker,
)
from dlcourse.reinforcement.evaluation import Policy, as_function

# Pictures are drawn four times as large and then reduced, which smooths the edges.
_OVERSAMPLING = 4


@dataclass(frozen=True)
class Recording:
    """One episode in pictures.

    Attributes:
        frames: shape (F, height, width, 3), uint8.
        total_reward: undiscounted return of the whole episode.
        steps: number of steps of the episode.
        seconds_per_frame: so that it plays as fast as it happened.
    """

    frames: np.ndarray
    total_reward: float
    steps: int
    seconds_per_frame: float

    def save(self, path: str | Path) -> Path:
        """Writes a GIF or, where ffmpeg is installed, an MP4 file.

        Args:
            path: ends in .gif or .mp4.

        Raises:
            ValueError: for another ending, or for .mp4 without ffmpeg.

        Returns:
            The file that was written.
        """
        path = Path(path)
        if path.suffix == ".gif":
            pictures = [Image.fromarray(frame) for frame in self.frames]
            # A GIF counts hundredths of a second, and players slow down what is shorter than two of them.
            duration = max(20, round(self.seconds_per_frame * 100) * 10)
            with open_atomically(path) as file:
                pictures[0].save(
                    file, "gif", save_all=True, append_images=pictures[1:], duration=duration, loop=0, optimize=True
                )
        elif path.suffix == ".mp4" and shutil.which("ffmpeg"):
            self._save_video(path)
        else:
            why = "ffmpeg is not installed" if path.suffix == ".mp4" else "the name must end in .gif or .mp4"
            raise ValueError(f"cannot write {path}: {why}; a .gif needs nothing")
        return path

    def _save_video(self, path: Path) -> None:
        from matplotlib.animation import FFMpegWriter

        height, width = self.frames.shape[1:3]
        figure = plt.figure(figsize=(width / 100, height / 100), dpi=100)
        picture = figure.figimage(self.frames[0])
        writer = FFMpegWriter(fps=1 / self.seconds_per_frame)
        with writer.saving(figure, str(path), dpi=100):
            for frame in self.frames:
                picture.set_data(frame)
                writer.grab_frame()
        plt.close(figure)


def record(
    policy: Policy,
    name: str | Callable[[], gymnasium.Env],
    *,
    seed: int = 10_000,
    every: int = 4,
    width: int = 240,
    max_steps: int | None = None,
    **settings: Any,
) -> Recording:
    """Plays one episode without exploration and takes a picture of every `every`-th state.

    Args:
        policy: an agent, or a function from observations (1, *observation) to actions (1, *action).
        name: as in `make_environment`; a function must make environments with `render_mode="rgb_array"`.
        seed: of the start.
        every: steps from one picture to the next, at least 1.
        width: of the pictures, in pixels, at least 16.
        max_steps: as in `make_environment`.
        **settings: for the environment.

    Raises:
        ValueError: if `every` or `width` is too small, or if the environment draws no pictures.

    Example:
        >>> recording = record(lambda observations: np.zeros((1, 1)), "Pendulum-v1", every=50, width=64)
        >>> recording.frames.shape, recording.steps
        ((5, 64, 64, 3), 200)

    Used in: Lab 06, Lab 07
    """
    if every < 1 or width < 16:
        raise ValueError(f"every={every}, width={width}: give at least 1 step and 16 pixels")
    if isinstance(name, str):
        settings = {"render_mode": "rgb_array"} | settings
    environment = environment_maker(name, max_steps, settings)()
    checked_observation_space(environment)
    action_space = checked_action_space(environment)
    choose = as_function(policy)
    observation, _ = environment.reset(seed=seed)
    frames, total, steps, ended = [_picture(environment, width)], 0.0, 0, False
    while not ended:
        action = checked_actions(choose(observation[None]), action_space, 1)[0]
        observation, reward, terminated, truncated, _ = environment.step(action)
        total, steps, ended = total + float(reward), steps + 1, terminated or truncated
        if steps % every == 0 or ended:
            frames.append(_picture(environment, width))
    step_seconds = getattr(environment.unwrapped, "dt", None) or 1 / environment.metadata.get("render_fps", 30)
    environment.close()
    return Recording(np.stack(frames), total, steps, every * float(step_seconds))


def watch(
    policy: Policy,
    name: str | Callable[[], gymnasium.Env],
    *,
    alt: str | None = None,
    path: str | Path | None = None,
    **options: Any,
) -> Recording:
    """Plays one episode and shows it as an animation with play controls.

    Args:
        policy: as in `record`.
        name: as in `record`.
        alt: what the animation shows, in one sentence; None stands for the name, the number of steps and the return.
        path: GIF or MP4 file that is written too.
        **options: of `record`: seed, every, width, max_steps and the environment's settings.

    Returns:
        The episode, with its return.

    Raises:
        ValueError: as `record` and `Recording.save`.

    Used in: Lab 06, Lab 07
    """
    recording = record(policy, name, **options)
    if path is not None:
        recording.save(path)
    title = name if isinstance(name, str) else "One episode"
    frames = recording.frames
    with plots.style():
        figure, axes = plt.subplots(figsize=(2.6, 2.6 * frames.shape[1] / frames.shape[2] + 0.3), dpi=90)
        axes.set_axis_off()
        axes.set_title(f"return {recording.total_reward:.0f}")
        picture = axes.imshow(frames[0])
    plots.animate(
        figure,
        lambda frame: picture.set_data(frames[frame]),
        frames=len(frames),
        alt=alt or f"{title} played for {recording.steps} steps with a return of {recording.total_reward:.0f}.",
        interval=round(1000 * recording.seconds_per_frame),
    )
    return recording


def draw_pendulum(angle: float, torque: float | None, width: int = 240) -> np.ndarray:
    """A picture of the pendulum, without pygame.

    Args:
        angle: theta in rad, 0 upright, counter-clockwise.
        torque: u in N m from -2 to 2, drawn as an arc around the axle, counter-clockwise where positive; None for none.
        width: of the square picture, in pixels.

    Returns:
        Shape (width, width, 3), uint8.

    Example:
        >>> draw_pendulum(0.0, 1.0, width=32).shape
        (32, 32, 3)

    Used in: Lab 06
    """
    size = width * _OVERSAMPLING
    picture = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(picture)
    centre, length, thick = size / 2, 0.36 * size, size // 14
    tip = (centre - length * sin(angle), centre - length * cos(angle))
    draw.line([(centre, centre), tip], fill=plots.PALETTE[0], width=thick)
    for x, y in ((centre, centre), tip):
        draw.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=plots.PALETTE[0])
    axle = thick / 4
    draw.ellipse([centre - axle, centre - axle, centre + axle, centre + axle], fill="black")
    if torque:
        radius, sweep = 0.15 * size, 70 * abs(torque)
        # Pillow counts degrees clockwise from three o'clock; the arc begins at the top.
        start, end = (-90 - sweep, -90) if torque > 0 else (-90, -90 + sweep)
        box = [centre - radius, centre - radius, centre + radius, centre + radius]
        draw.arc(box, start, end, fill=plots.PALETTE[1], width=size // 50)
        head = np.deg2rad(start if torque > 0 else end)
        x, y, dot = centre + radius * np.cos(head), centre + radius * np.sin(head), size / 45
        draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=plots.PALETTE[1])
    return np.asarray(picture.resize((width, width), Image.Resampling.LANCZOS))


def _picture(environment: gymnasium.Env, width: int) -> np.ndarray:
    inner = environment.unwrapped
    if type(inner).__name__ == "PendulumEnv":
        torque = inner.last_u
        return draw_pendulum(float(inner.state[0]), None if torque is None else float(torque), width)
    try:
        frame = environment.render()
    except gymnasium.error.DependencyNotInstalled as error:
        raise ValueError(f"{environment} cannot draw itself: {error}") from error
    if not isinstance(frame, np.ndarray) or frame.ndim != 3:
        raise ValueError(f"{environment} draws no pictures: make it with render_mode='rgb_array'")
    height = round(width * frame.shape[0] / frame.shape[1])
    # MP4 encoders take even sizes only.
    return np.asarray(Image.fromarray(frame).convert("RGB").resize((width, height + height % 2)))
