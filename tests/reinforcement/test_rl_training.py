"""The training loop learns, saves, goes on after a kill -9 as if nothing had happened, and stops at NaN."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dlcourse.checkpoints import CheckpointFolder, CheckpointMismatchError
from dlcourse.reinforcement.agent import Advance
from dlcourse.reinforcement.environments import Episode, make_environment
from dlcourse.reinforcement.exploration import OrnsteinUhlenbeckNoise
from dlcourse.reinforcement.random_state import pack_generator, unpack_generator
from dlcourse.reinforcement.replay import ReplayBuffer
from dlcourse.reinforcement.training import TrainingDivergedError, TrainingSettings, train


class Target(gymnasium.Env):
    """Reward -(action - observation)^2: the best policy repeats what it sees. Ten steps an episode."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(-2, 2, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left, self.seen = 10, self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.seen, {}

    def step(self, action):
        reward = -float((action[0] - self.seen[0]) ** 2)
        self.left, self.seen = self.left - 1, self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.seen, reward, False, self.left == 0, {}


class LinearAgent:
    """a = w s, with w += rate * noise * (reward - mean) * s over the last steps: REINFORCE in one line."""

    def __init__(self, environment, rate=0.2, break_at=None, break_in="figures"):
        self.settings = {"rate": rate}
        self.memory = ReplayBuffer.for_spaces(environment.observation_space, environment.action_space, 24, seed=1)
        self.noise = OrnsteinUhlenbeckNoise((environment.count, 1), scale=0.3, rate=1.0, seed=2)
        self.generator = np.random.default_rng(3)
        self.weight, self.rate, self.updates = np.zeros(environment.observation_space.shape), rate, 0
        self.break_at, self.break_in = break_at, break_in

    def act(self, observations, explore):
        actions = observations @ self.weight[:, None]
        if explore:
            actions = actions + self.noise.sample()
            if self.break_in == "actions" and self.updates == self.break_at:
                actions[0] = np.nan
        return np.clip(actions, -2, 2)

    def observe(self, transitions):
        self.memory.add(transitions)
        self.noise.reset(transitions.terminated | transitions.truncated)
        if len(self.memory) < 20:
            return {}
        self.updates += 1
        batch = self.memory.sample(20)
        pushed = batch.actions[:, 0] - batch.observations @ self.weight
        advantage = batch.rewards - batch.rewards.mean()
        self.weight += self.rate * (pushed * advantage) @ batch.observations / 20
        if self.updates == self.break_at:
            if self.break_in == "weights":
                self.weight[0] = np.inf
            if self.break_in == "figures":
                return {"loss": float("nan")}
        return {"loss": float(-batch.rewards.mean()), "weight": float(self.weight[0])}

    def state_dict(self):
        own = {"weight": self.weight.copy(), "updates": np.array(self.updates), "rng": pack_generator(self.generator)}
        return own | {f"noise/{name}": array for name, array in self.noise.state_dict().items()}

    def load_state_dict(self, state):
        self.weight, self.updates = state["weight"].copy(), int(state["updates"])
        self.generator = unpack_generator(state["rng"])
        self.noise.load_state_dict({name: state[f"noise/{name}"] for name in ("value", "generator")})


SHORT = TrainingSettings(steps=900, evaluate_every=300, checkpoint_every=200, evaluation_seeds=(1, 2))


def pendulum_run(folder=None, settings=SHORT, environment=None, **agent_settings):
    environment = environment or make_environment("Pendulum-v1", copies=2, seed=4)
    agent = LinearAgent(environment, **agent_settings)
    return agent, train(agent, environment, settings, folder=folder)


def same_result(one, other):
    timeless = [result.history.drop(columns="steps_per_second") for result in (one, other)]
    assert timeless[0].equals(timeless[1])
    assert one.episodes.equals(other.episodes)


def same_agent(one, other):
    for part in ("agent", "memory"):
        states = [(agent if part == "agent" else agent.memory).state_dict() for agent in (one, other)]
        assert states[0].keys() == states[1].keys()
        for name, array in states[0].items():
            assert array.tobytes() == states[1][name].tobytes(), f"{part}/{name}"


def test_a_tiny_agent_learns_to_repeat_what_it_sees():
    environment = make_environment(Target, seed=0)
    agent = LinearAgent(environment)
    result = train(agent, environment, TrainingSettings(steps=3000, evaluate_every=500))
    # Doing nothing costs E[10 s^2] = 3.3 an episode; a quarter of the gap that is left would be 0.2.
    assert result.history.evaluation_return.iloc[-1] > -0.2
    assert abs(agent.weight[0] - 1) < 0.2


def test_the_history_says_what_happened():
    environment = make_environment("Pendulum-v1", copies=2, seed=4)
    rows = []
    agent = LinearAgent(environment)
    result = train(agent, environment, SHORT, report=rows.append)
    assert result.steps == 900 and result.resumed_at is None
    assert result.history.step.tolist() == [300, 600, 900] == [row["step"] for row in rows]
    assert result.episodes.step.tolist() == [400, 400, 800, 800] and (result.episodes.length == 200).all()
    # Two copies end an episode after 200 steps each: none in the first row, two in each of the others.
    assert result.history.episodes.tolist() == [0, 2, 4]
    assert np.isnan(result.history.training_return[0])
    assert result.history.training_return[1] == result.episodes.total_reward[:2].mean()
    assert (result.history.evaluation_lowest <= result.history.evaluation_return).all()
    assert (result.history.steps_per_second > 0).all()
    assert agent.updates == 441 and result.history.loss.notna().all()


def test_two_runs_from_one_seed_are_the_same_to_the_bit():
    (one, first), (other, second) = pendulum_run(), pendulum_run()
    same_result(first, second)
    same_agent(one, other)


def test_checkpoints_and_evaluations_do_not_change_the_run(tmp_path):
    one, _ = pendulum_run()
    other, _ = pendulum_run(tmp_path, TrainingSettings(steps=900, evaluate_every=70, evaluation_seeds=(5,)))
    same_agent(one, other)


def test_a_killed_run_goes_on_to_the_bit(tmp_path):
    program = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_rl_training as here
        from dlcourse.reinforcement.environments import make_environment
        from dlcourse.reinforcement.training import train
        environment = make_environment("Pendulum-v1", copies=2, seed=4)
        agent = here.LinearAgent(environment)
        observe = agent.observe
        def stumble(transitions):
            if agent.updates == 251:
                print("in the middle of an episode", flush=True)
                sys.stdin.read()
            return observe(transitions)
        agent.observe = stumble
        train(agent, environment, here.SHORT, folder={str(tmp_path)!r})
    """
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline().startswith("in the middle")
    os.kill(writer.pid, signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    writer.stdin.close()
    writer.stdout.close()
    agent, resumed = pendulum_run(tmp_path)
    assert resumed.resumed_at == 400
    unbroken_agent, unbroken = pendulum_run()
    same_result(resumed, unbroken)
    same_agent(agent, unbroken_agent)


def test_a_run_that_is_cut_between_two_rows_goes_on_to_the_bit(tmp_path):
    pendulum_run(tmp_path, TrainingSettings(steps=900, evaluate_every=300, checkpoint_every=200))
    for path in CheckpointFolder(tmp_path).files()[1:]:
        path.unlink()
    settings = TrainingSettings(steps=900, evaluate_every=300, checkpoint_every=200)
    agent, resumed = pendulum_run(tmp_path, settings)
    assert resumed.resumed_at == 800
    unbroken_agent, unbroken = pendulum_run(settings=settings)
    same_result(resumed, unbroken)
    same_agent(agent, unbroken_agent)


def test_a_finished_run_is_prolonged_by_more_steps_and_untouched_by_the_same(tmp_path):
    pendulum_run(tmp_path, TrainingSettings(steps=600, evaluate_every=300, evaluation_seeds=(1, 2)))
    agent, result = pendulum_run(tmp_path, TrainingSettings(steps=600, evaluate_every=300, evaluation_seeds=(1, 2)))
    assert result.resumed_at == result.steps == 600 and len(result.history) == 2
    agent, result = pendulum_run(tmp_path)
    same_agent(agent, pendulum_run()[0])


def test_another_agent_or_environment_is_refused(tmp_path):
    pendulum_run(tmp_path)
    with pytest.raises(CheckpointMismatchError, match=r"'rate': 0\.2"):
        pendulum_run(tmp_path, rate=0.1)
    with pytest.raises(CheckpointMismatchError, match="environment was"):
        pendulum_run(tmp_path, environment=make_environment("Pendulum-v1", seed=4))


def test_where_an_episode_cannot_be_restored_a_new_one_begins_with_a_warning(tmp_path):
    def run(steps):
        environment = make_environment(Target, seed=0)
        settings = TrainingSettings(steps=steps, evaluate_every=45)
        return train(LinearAgent(environment), environment, settings, folder=tmp_path)

    run(45)
    with pytest.warns(UserWarning, match="new episodes begin"):
        result = run(90)
    assert result.resumed_at == 45 and result.steps == 90
    # Four episodes and a lost half, then four: the first of the new ones ends ten steps after the resume.
    assert result.episodes.step.tolist() == [10, 20, 30, 40, 55, 65, 75, 85]


@pytest.mark.parametrize("where", ["figures", "weights", "actions"])
def test_nan_stops_the_run_with_the_last_good_state(tmp_path, where):
    environment = make_environment("Pendulum-v1", copies=2, seed=4)
    agent = LinearAgent(environment, break_at=251, break_in=where)
    with pytest.raises(TrainingDivergedError, match="back in its last good state, that of step 400") as caught:
        train(agent, environment, SHORT, folder=tmp_path)
    good, _ = pendulum_run(settings=TrainingSettings(steps=400, evaluate_every=300, evaluation_seeds=(1, 2)))
    assert 520 <= caught.value.step <= 522 and caught.value.good_step == 400
    assert agent.weight.tobytes() == good.weight.tobytes() and np.isfinite(agent.weight).all()
    assert (
        CheckpointFolder(tmp_path, {"agent": agent.settings, "environment": ["Pendulum-v1", 2, 4]}).load().step == 400
    )


def test_rewards_that_are_not_finite_stop_the_run():
    class Broken(Target):
        def step(self, action):
            observation, _, terminated, truncated, info = super().step(action)
            return observation, float("inf"), terminated, truncated, info

    environment = make_environment(Broken)
    with pytest.raises(TrainingDivergedError, match="rewards are not finite"):
        train(LinearAgent(environment), environment, SHORT)


class Metronome:
    """Drives itself: an episode of reward 1 every 100 steps."""

    settings, memory = {"kind": "metronome"}, None

    def __init__(self):
        self.steps, self.calls = 0, []

    def act(self, observations, explore):
        return np.zeros((len(observations), 1))

    def advance(self, steps):
        self.calls.append(steps)
        before, self.steps = self.steps, self.steps + steps
        return Advance(steps, [Episode(1.0, 100)] * (self.steps // 100 - before // 100), {"speed": float(steps)})

    def state_dict(self):
        return {"steps": np.array(self.steps)}

    def load_state_dict(self, state):
        self.steps = int(state["steps"])


def test_an_agent_that_drives_itself_is_stopped_at_every_event(tmp_path):
    agent = Metronome()
    settings = TrainingSettings(steps=1000, evaluate_every=400, checkpoint_every=250, advance=300)
    result = train(agent, None, settings, evaluation=lambda agent: np.zeros(2), folder=tmp_path)
    assert agent.calls == [250, 150, 100, 250, 50, 200] and sum(agent.calls) == agent.steps == 1000
    assert result.history.step.tolist() == [400, 800, 1000] and result.history.episodes.tolist() == [4, 8, 10]
    resumed = Metronome()
    assert train(resumed, None, settings, evaluation=len, folder=tmp_path).resumed_at == resumed.steps == 1000


def test_tensorboard_reads_the_history(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator

    environment = make_environment(Target, seed=0)
    settings = TrainingSettings(steps=60, evaluate_every=30)
    result = train(LinearAgent(environment), environment, settings, log_dir=tmp_path)
    events = EventAccumulator(str(tmp_path), size_guidance={TENSORS: 0}).Reload()
    logged = [
        float(np.frombuffer(e.tensor_proto.tensor_content, np.float32)[0])
        if e.tensor_proto.tensor_content
        else e.tensor_proto.float_val[0]
        for e in events.Tensors("evaluation_return")
    ]
    np.testing.assert_allclose(logged, result.history.evaluation_return, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TrainingSettings(steps=0), "steps=0"),
        (lambda: TrainingSettings(evaluate_every=0), "evaluate_every=0"),
        (lambda: TrainingSettings(checkpoint_every=0), "checkpoint_every=0"),
        (lambda: TrainingSettings(evaluation_seeds=()), "at least one start"),
        (lambda: train(Metronome(), None), "no environment: give one"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
