"""The bridge to TF-Agents works where it can, and says what to do where it cannot."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.tf_agents_bridge import load_tf_agents, make_dqn_agent, train_tf_agents

CASES = Path(__file__).with_name("tf_agents_cases.py")


@pytest.mark.skipif(importlib.util.find_spec("tf_agents") is None, reason="tf-agents is not installed")
def test_all_cases_with_the_real_library_pass_in_a_process_with_keras_2():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(CASES)]
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1"}
    run = subprocess.run(command, env=environment, cwd=CASES.parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-1000:]


def test_importing_the_bridge_imports_neither_tensorflow_nor_tf_agents():
    code = "import sys, dlcourse.reinforcement.tf_agents_bridge; print({'tensorflow', 'tf_agents'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "set()"


def test_a_tensorflow_that_was_imported_too_early_is_named_with_the_remedy():
    import tensorflow as tf

    assert tf.keras.Model.__module__.startswith("keras"), "these tests run with Keras 3"
    with pytest.raises(ImportError, match=r'Restart the kernel .*os\.environ\["TF_USE_LEGACY_KERAS"\] = "1"'):
        load_tf_agents()


def test_a_missing_library_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"TF-Agents is not installed.*pip install 'dlcourse\[labs\]'"):
        train_tf_agents("CartPole-v1")


@pytest.mark.parametrize(
    ("name", "value"), [("dueling", "mean"), ("priority_exponent", 0.6), ("precision", "bfloat16")]
)
def test_settings_that_the_library_does_not_know_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}=.*TF-Agents' DQN has no such setting"):
        make_dqn_agent(None, DQNSettings(**{name: value}))
