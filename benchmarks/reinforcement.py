"""Speed and returns of `dlcourse.reinforcement` beside what one would use instead.

    python benchmarks/reinforcement.py --peers PATH/bin/python
    python benchmarks/reinforcement.py --only speed --sizes 256 --threads 1 --peers PATH/bin/python
    python benchmarks/reinforcement.py --only returns --seeds 10 11 12 13 14
    python benchmarks/reinforcement.py --only scaling --table reinforcement_scaling.csv --figure ddpg_scaling.png

Pendulum-v1, DDPG, batch 64, one update a step, actor and critic of 64/64 or 256/256 relu units. Each contender is a
process of its own that stays alive; each round runs a slice of every contender in turn, so that a machine that slows
down slows them all. A ratio is the median over the rounds of neighbouring slices. Steps are counted after warm-up and
compilation, in wall time and in the process's own processor time (on a machine that others use, the latter is the
steadier). `--peers` names the Python of an environment with stable-baselines3 (PyTorch 2.13, CPU).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

# For each number of hidden units: who runs.
GROUPS = {
    64: ("strict", "chunked", "in_graph", "stable-baselines3"),
    256: ("chunked", "stable-baselines3", "keras recipe"),
}
# Steps of a slice: some seconds for the slow ones, enough passes for the compiled ones.
SLICES = {"strict": 500, "chunked": 2000, "in_graph": 5000, "stable-baselines3": 200, "keras recipe": 200}
WARM_UP = 700
GATES = {
    (64, "strict", "stable-baselines3"): 1.3,
    (64, "chunked", "stable-baselines3"): 5.0,
    (64, "in_graph", "stable-baselines3"): 10.0,
    (256, "chunked", "stable-baselines3"): 2.5,
    (256, "chunked", "keras recipe"): 6.0,
}

SERVE = """
import json, sys, time
def serve(run):
    print("ready", flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        run(int(line))
        print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]), flush=True)
"""

STABLE_BASELINES3 = (
    SERVE
    + """
import gymnasium, torch
from stable_baselines3 import DDPG
threads, hidden, warm_up = (int(argument) for argument in sys.argv[1:])
torch.set_num_threads(threads)
model = DDPG("MlpPolicy", gymnasium.make("Pendulum-v1"), batch_size=64, buffer_size=100_000, learning_starts=500,
             train_freq=1, gradient_steps=1, policy_kwargs={"net_arch": [hidden, hidden]}, device="cpu", seed=0)
model.learn(warm_up)
serve(lambda steps: model.learn(steps, reset_num_timesteps=False))
"""
)


def ours(mode: str, hidden: int) -> Callable[[int], None]:
    """Runs steps of our agent in one of its modes, without the training loop's evaluation."""
    from dlcourse.reinforcement.ddpg_in_graph import make_ddpg
    from dlcourse.reinforcement.ddpg_settings import DDPGSettings
    from dlcourse.reinforcement.environments import make_environment

    environment = make_environment("Pendulum-v1", seed=0)
    agent = make_ddpg(environment, mode, DDPGSettings(hidden=(hidden, hidden)), seed=0)
    environment.reset()

    def run(steps: int) -> None:
        while mode == "in_graph" and steps > 0:
            steps -= agent.advance(steps).steps
        for _ in range(steps):
            agent.observe(environment.step(agent.act(environment.observations, explore=True)).transitions)

    return run


def keras_recipe(hidden: int) -> Callable[[int], None]:
    """What the tutorials for Keras do, in our own words: models called eagerly, one compiled update a step."""
    import gymnasium
    import keras
    import numpy as np
    import tensorflow as tf

    def network(inputs: int, activation: str) -> keras.Model:
        dense = [keras.layers.Dense(hidden, activation="relu") for _ in range(2)]
        return keras.Sequential([keras.Input((inputs,)), *dense, keras.layers.Dense(1, activation=activation)])

    environment = gymnasium.make("Pendulum-v1")
    (actor, slow_actor), (critic, slow_critic) = (
        [network(*kind) for _ in "ab"] for kind in ((3, "tanh"), (4, "linear"))
    )
    actor_optimizer, critic_optimizer = keras.optimizers.Adam(1e-3), keras.optimizers.Adam(2e-3)
    rng = np.random.default_rng(0)
    buffer = [np.zeros((100_000, size), np.float32) for size in (3, 1, 1, 3)]
    state = {"stored": 0, "seen": environment.reset(seed=0)[0]}

    @tf.function
    def learn(seen: tf.Tensor, action: tf.Tensor, reward: tf.Tensor, following: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            future = slow_critic(tf.concat([following, 2 * slow_actor(following)], 1))
            error = tf.reduce_mean((reward + 0.99 * future - critic(tf.concat([seen, action], 1))) ** 2)
        gradients = tape.gradient(error, critic.trainable_variables)
        critic_optimizer.apply_gradients(zip(gradients, critic.trainable_variables, strict=True))
        with tf.GradientTape() as tape:
            error = -tf.reduce_mean(critic(tf.concat([seen, 2 * actor(seen)], 1)))
        gradients = tape.gradient(error, actor.trainable_variables)
        actor_optimizer.apply_gradients(zip(gradients, actor.trainable_variables, strict=True))

    def run(steps: int) -> None:
        for _ in range(steps):
            mean = 2 * np.squeeze(actor(tf.convert_to_tensor(state["seen"][None])))
            action = np.clip([mean + rng.normal(scale=0.2)], -2, 2).astype(np.float32)
            following, reward, _, truncated, _ = environment.step(action)
            for array, value in zip(buffer, (state["seen"], action, reward, following), strict=True):
                array[state["stored"] % len(array)] = value
            state["stored"] += 1
            state["seen"] = environment.reset()[0] if truncated else following
            rows = rng.integers(min(state["stored"], len(buffer[0])), size=64)
            learn(*(tf.convert_to_tensor(array[rows]) for array in buffer))
            for slow, fast in ((slow_actor, actor), (slow_critic, critic)):
                pairs = zip(slow.get_weights(), fast.get_weights(), strict=True)
                slow.set_weights([0.995 * old + 0.005 * new for old, new in pairs])

    return run


class Contender:
    """A process that runs slices of steps when it is told to."""

    def __init__(self, name: str, hidden: int, threads: int, peers: str | None) -> None:
        self.name, self.threads, self.slice = name, threads, SLICES[name]
        count = str(threads)
        variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        environment = os.environ | dict.fromkeys(variables, count) | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
        if name == "stable-baselines3":
            command = [str(peers), "-c", STABLE_BASELINES3, count, str(hidden), str(WARM_UP)]
        else:
            command = [sys.executable, __file__, "--worker", name, "--hidden", str(hidden)]
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def wait(self) -> None:
        """Returns when the contender has started, compiled and warmed up."""
        for line in self._process.stdout:
            if line.strip() == "ready":
                return
        raise RuntimeError(f"{self.name} did not start: run {' '.join(self._process.args[:3])} ... by hand")

    def rates(self) -> tuple[float, float]:
        """Steps a second of one slice, in wall time and in processor time."""
        print(self.slice, file=self._process.stdin, flush=True)
        wall, cpu = json.loads(self._process.stdout.readline())
        return self.slice / wall, self.slice / cpu

    def close(self) -> None:
        # Nothing is lost with it, and TensorFlow may take long to shut down on a busy machine.
        self._process.kill()
        self._process.wait()


def speed(sizes: list[int], rounds: int, threads: list[int], peers: str | None) -> None:
    for hidden in sizes:
        names = [name for name in GROUPS[hidden] if peers or name != "stable-baselines3"]
        contenders = [Contender(name, hidden, count, peers) for name in names for count in threads]
        for contender in contenders:
            contender.wait()
        measured = {(c.name, c.threads): [] for c in contenders}
        for _ in range(rounds):
            for contender in contenders:
                measured[contender.name, contender.threads].append(contender.rates())
        for contender in contenders:
            contender.close()
        for unit, clock in enumerate(("wall", "processor")):
            # Each at the number of threads at which it is faster.
            best = {}
            for name in names:
                runs = ((statistics.median(r[unit] for r in measured[name, n]), n) for n in threads)
                best[name] = max(runs)
                print(
                    f"{hidden} {name:18} {best[name][0]:7.0f} steps per {clock} second, threads: {best[name][1]}",
                    flush=True,
                )
            for (gated, name, other), target in GATES.items():
                if gated == hidden and name in best and other in best:
                    pairs = zip(measured[name, best[name][1]], measured[other, best[other][1]], strict=True)
                    ratio = statistics.median(mine[unit] / theirs[unit] for mine, theirs in pairs)
                    verdict = "reached" if ratio >= target else "MISSED"
                    print(
                        f"{hidden}/{hidden} {name} : {other} = {ratio:.1f} ({clock}; target {target}: {verdict})",
                        flush=True,
                    )


def returns(seeds: list[int], modes: list[str]) -> None:
    from dlcourse.reinforcement.control_problems import pendulum_problem
    from dlcourse.reinforcement.ddpg_in_graph import make_ddpg
    from dlcourse.reinforcement.dynamic_programming import pendulum_policy, value_iteration
    from dlcourse.reinforcement.environments import make_environment
    from dlcourse.reinforcement.evaluation import evaluate
    from dlcourse.reinforcement.training import TrainingSettings, train

    for mode in modes:
        final, started = [], process_time()
        for seed in seeds:
            environment = make_environment("Pendulum-v1", seed=seed)
            agent = make_ddpg(environment, mode, seed=seed)
            history = train(agent, environment, TrainingSettings(steps=10_000, evaluate_every=1000)).history
            curve = history.evaluation_return.round().astype(int).tolist()
            final.append(history.evaluation_return.iloc[-1])
            print(
                f"{mode} seed {seed}: mean return on the ten starts after 1,000 ... 10,000 steps: {curve}", flush=True
            )
        seconds = (process_time() - started) / len(seeds)
        verdict = "reached" if min(final) >= -200 and statistics.median(final) >= -130 else "MISSED"
        print(
            f"{mode}: lowest {min(final):.0f} (target -200), median {statistics.median(final):.0f} (target -130): "
            f"{verdict}; {seconds:.0f} processor seconds a run"
        )
    optimum = evaluate(pendulum_policy(value_iteration(pendulum_problem())), "Pendulum-v1")
    print(f"value iteration, model known, same starts: {optimum.mean():.1f}")


def scaling(rounds: int, table: Path | None, figure: Path | None) -> None:
    """Environment steps a second of in_graph with more and more environments; one update a pass."""
    from dlcourse.reinforcement.ddpg_in_graph import InGraphDDPG

    agents = {count: InGraphDDPG(environments=count) for count in (1, 8, 64, 256)}
    for agent in agents.values():
        taken = 0
        while taken < 2 * agent.environment_count + WARM_UP:
            taken += agent.advance(500 * agent.environment_count).steps
    measured: dict[int, list[tuple[float, float]]] = {count: [] for count in agents}
    for _ in range(rounds):
        for count, agent in agents.items():
            wall, cpu, steps = perf_counter(), process_time(), 0
            for _ in range(4):
                steps += agent.advance(500 * count).steps
            measured[count].append((steps / (perf_counter() - wall), steps / (process_time() - cpu)))
    rows = [
        (count, *(round(statistics.median(run[unit] for run in runs)) for unit in (0, 1)))
        for count, runs in measured.items()
    ]
    print("environments, steps per wall second, steps per processor second")
    for row in rows:
        print(*row, sep=", ")
    if table is not None:
        write_table(table, rows)
    if figure is not None:
        draw_scaling(figure, rows)


def write_table(path: Path, rows: list[tuple[int, int, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["environments", "steps_per_wall_second", "steps_per_processor_second"])
        writer.writerows(rows)


def draw_scaling(path: Path, rows: list[tuple[int, int, int]]) -> None:
    import matplotlib.pyplot as plt

    from dlcourse.plots import MARKERS, style

    path.parent.mkdir(parents=True, exist_ok=True)
    with style():
        figure, ax = plt.subplots(figsize=(5, 3.2))
        counts, wall, cpu = zip(*rows, strict=True)
        ax.loglog(counts, wall, marker=MARKERS[0], label="per second of wall time")
        ax.loglog(counts, cpu, marker=MARKERS[1], label="per second of processor time")
        ax.set(xlabel="pendulums side by side", ylabel="environment steps per second", title="One loop, many pendulums")
        ax.set_xticks(counts, [str(count) for count in counts])
        ax.minorticks_off()
        ax.legend()
        figure.savefig(path, dpi=100)


def serve(run: Callable[[int], None]) -> None:
    """The worker's side of `Contender`, the same as the peers'."""
    scope: dict = {}
    exec(SERVE, scope)
    scope["serve"](run)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("speed", "returns", "scaling"))
    parser.add_argument(
        "--peers", help="Python of the environment with stable-baselines3; without it, that row is left out"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sizes", type=int, nargs="+", choices=GROUPS, default=list(GROUPS), help="hidden units")
    # The settings were chosen with seeds from 0 to 9.
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12, 13, 14])
    parser.add_argument("--modes", nargs="+", default=["chunked", "in_graph"])
    parser.add_argument("--table", type=Path, help="where the scaling table goes, as CSV")
    parser.add_argument("--figure", type=Path, help="where the scaling curve goes, as PNG")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--hidden", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    if chosen.worker:
        run = keras_recipe(chosen.hidden) if chosen.worker == "keras recipe" else ours(chosen.worker, chosen.hidden)
        run(100 if chosen.worker == "keras recipe" else WARM_UP)
        serve(run)
        return
    if chosen.only in (None, "speed"):
        speed(chosen.sizes, chosen.rounds, chosen.threads, chosen.peers)
    if chosen.only in (None, "returns"):
        returns(chosen.seeds, chosen.modes)
    if chosen.only in (None, "scaling"):
        scaling(chosen.rounds, chosen.table, chosen.figure)


if __name__ == "__main__":
    main()
