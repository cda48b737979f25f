"""Agent steps a second on Breakout, learning included, beside stable-baselines3 and the keras.io recipe.

    python benchmarks/dqn_speed.py --peers PATH/bin/python --rounds 5

same:     the Nature network in float32, plain DQN, batches of 32 every 4 steps, uniform replay: the mathematics of both
          peers, of which ours is `DQN` with 4 games side by side.
samples:  as many samples a step, in batches of 128 every 16 steps with bfloat16 products, 16 games side by side.
fast:     the profile "fast" of `dlcourse train breakout`, which shipped the course's player.
sb3:      stable-baselines3, DQN("CnnPolicy") with its own Atari wrappers (`--peers` names the Python of an environment
          with stable-baselines3, ale-py and opencv-python-headless).
recipe:   the way of keras.io's example, in our words: the model is called once a step, the replay is Python lists, each
          update calls predict() and a gradient tape, nothing is compiled.

Each contender is a process of its own with one thread, for which all were fastest. Each round times a slice of every
contender in turn, in processor time and by the clock; a ratio is the median of those of neighbouring slices.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter, process_time

OURS = ("same", "samples", "fast")
SLICES = {"same": 200, "samples": 512, "fast": 1024, "sb3": 100, "recipe": 40}
GATES = (("same", "sb3", 1.3), ("same", "recipe", 3.0), ("samples", "sb3", 3.0), ("samples", "recipe", 7.0))
WARM_UP = 512
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

STABLE_BASELINES3 = """
import sys, time
import torch
import ale_py, gymnasium
gymnasium.register_envs(ale_py)
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack
warm_up = int(sys.argv[1])
torch.set_num_threads(1)
env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", n_envs=1, seed=0), n_stack=4)
model = DQN("CnnPolicy", env, learning_rate=1e-4, buffer_size=10_000, batch_size=32, train_freq=4, gradient_steps=1,
            learning_starts=warm_up, target_update_interval=10_000, exploration_initial_eps=0.1, seed=0)

class Slices(BaseCallback):
    left = warm_up + 20
    start = None
    def _on_step(self):
        self.left -= 1
        if self.left == 0:
            if self.start is not None:
                print(time.process_time() - self.start[0], time.perf_counter() - self.start[1], flush=True)
            else:
                print("ready", flush=True)
            line = sys.stdin.readline()
            if not line:
                return False
            self.left = int(line)
            self.start = time.process_time(), time.perf_counter()
        return True

model.learn(10**7, callback=Slices())
"""


def ours(name: str) -> Callable[[int], None]:
    """A function that takes so many agent steps with our agent."""
    from dataclasses import replace

    from dlcourse.reinforcement.atari import AtariGames
    from dlcourse.reinforcement.breakout import PROFILES
    from dlcourse.reinforcement.dqn import DQN

    chosen = PROFILES["fast" if name == "fast" else "nature"]
    settings = replace(chosen.settings, warm_up=WARM_UP, replay_capacity=10_000, first_epsilon=0.1)
    if name == "samples":
        settings = replace(settings, batch_size=128, train_every=16, precision="bfloat16")
    games = AtariGames(copies=4 if name == "same" else 16)
    agent = DQN(games, settings)
    games.reset()

    def run(steps: int) -> None:
        for _ in range(steps // games.count):
            agent.observe(games.step(agent.act(games.observations, explore=True)).transitions)

    run(WARM_UP + 64)
    return run


def recipe() -> Callable[[int], None]:
    """The loop of keras.io's example with the same network, plain and uncompiled."""
    import keras
    import numpy as np
    import tensorflow as tf

    from dlcourse.reinforcement.atari_screen import AtariScreen

    def network() -> keras.Model:
        convolutions = [
            keras.layers.Conv2D(*sizes, activation="relu") for sizes in ((32, 8, 4), (64, 4, 2), (64, 3, 1))
        ]
        head = [keras.layers.Flatten(), keras.layers.Dense(512, activation="relu"), keras.layers.Dense(4)]
        frames_last = keras.layers.Permute((2, 3, 1))
        return keras.Sequential(
            [keras.Input((4, 84, 84)), frames_last, keras.layers.Rescaling(1 / 255), *convolutions, *head]
        )

    model, target = network(), network()
    optimizer, huber = keras.optimizers.Adam(2.5e-4, clipnorm=1.0), keras.losses.Huber()
    game, rng = AtariScreen(), np.random.default_rng(0)
    states, actions, rewards, following, ends = [], [], [], [], []
    state, step = game.reset(seed=0)[0], 0

    def learn() -> None:
        drawn = rng.choice(len(ends), size=32)
        now, after = (np.array([kept[i] for i in drawn]) for kept in (states, following))
        best = tf.reduce_max(target.predict(after, verbose=0), axis=1)
        end = np.array([float(ends[i]) for i in drawn], np.float32)
        wanted = np.array([rewards[i] for i in drawn], np.float32) + 0.99 * best * (1 - end)
        taken = tf.one_hot([actions[i] for i in drawn], 4)
        with tf.GradientTape() as tape:
            loss = huber(wanted, tf.reduce_sum(model(now) * taken, axis=1))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    def run(steps: int, learning: bool = True) -> None:
        nonlocal state, step
        for _ in range(steps):
            step += 1
            greedy = int(tf.argmax(model(tf.expand_dims(tf.convert_to_tensor(state), 0), training=False)[0]))
            action = int(rng.integers(4)) if rng.random() < 0.1 else greedy
            after, reward, end, _, _ = game.step(action)
            for kept, new in ((states, state), (actions, action), (rewards, reward), (following, after), (ends, end)):
                kept.append(new)
            state = game.reset()[0] if end else after
            if learning and step % 4 == 0:
                learn()

    run(64, learning=False)
    run(8)
    return run


def contender(name: str) -> None:
    """What runs in the process of one of ours: a slice for each line that comes in."""
    run = recipe() if name == "recipe" else ours(name)
    print("ready", flush=True)
    for line in sys.stdin:
        spent, clock = process_time(), perf_counter()
        run(int(line))
        print(process_time() - spent, perf_counter() - clock, flush=True)


def compare(names: list[str], peers: str | None, rounds: int, threads: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds per agent step of each contender, in processor time and by the clock, a pair for each round."""
    environment = os.environ | dict.fromkeys(THREADS, str(threads)) | {"CUDA_VISIBLE_DEVICES": "-1"}
    processes = {}
    for name in names:
        command = [sys.executable, __file__, "--contender", name]
        if name == "sb3":
            command = [peers, "-c", STABLE_BASELINES3.replace("set_num_threads(1)", f"set_num_threads({threads})")]
            command.append(str(WARM_UP))
        processes[name] = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    for name, process in processes.items():
        if not any(line.strip() == "ready" for line in process.stdout):
            raise RuntimeError(f"{name} did not start: run it alone with --contender {name} to see why")
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, process in processes.items():
            print(SLICES[name], file=process.stdin, flush=True)
            spent, clock = (float(number) / SLICES[name] for number in process.stdout.readline().split())
            seconds[name].append((spent, clock))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return seconds


def report(seconds: dict[str, list[tuple[float, float]]]) -> None:
    """Prints steps a second of each contender, and the ratios that have a gate."""
    for name, pairs in seconds.items():
        spent, clock = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:8} {1 / spent:7.1f} agent steps per processor second, {1 / clock:7.1f} per second of the clock")
    for name, peer, gate in (*GATES, ("fast", "sb3", None), ("fast", "recipe", None)):
        if name in seconds and peer in seconds:
            ratios = [
                statistics.median(
                    theirs[kind] / mine[kind] for mine, theirs in zip(seconds[name], seconds[peer], strict=True)
                )
                for kind in (0, 1)
            ]
            wanted = "" if gate is None else f", gate {gate:g}x"
            print(f"{name} against {peer}: {ratios[0]:.1f}x by processor time, {ratios[1]:.1f}x by the clock{wanted}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", help="Python with stable-baselines3, ale-py and opencv; without it sb3 is left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        contender(arguments.contender)
        return
    names = [*OURS, *(["sb3"] if arguments.peers else []), "recipe"]
    report(compare(names, arguments.peers, arguments.rounds, arguments.threads))


if __name__ == "__main__":
    main()
