"""Training: two updates from configuration to a policy that plays."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed")

import torch

from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import GammagymError
from gammagym.loading import load_agent
from gammagym.policy import Policy
from gammagym.training.commands import export_command, train_command
from gammagym.training.config import TrainingError, load_config
from gammagym.training.export import to_policy
from gammagym.training.ppo import LearnerEnv, globals_kept, make_model, make_vec_env, train

TINY = """
steps = 200
envs = 4
seed = 3
overrides = { "flow.preset" = "sparse" }
options = { horizon_seconds = 1_200.0 }

[reward]
scale = 2.0
without_luck = true

[network]
layers = [16, 8]
inputs = { net_delta = 20.0, working = 1.0 }
action_scale = [0.5, 1.0]

[ppo]
n_steps = 25
batch_size = 50
n_epochs = 2
learning_rate = 1e-3
"""


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "train.toml"
    path.write_text(TINY)
    return path


def test_two_updates_train_and_leave_an_agent_that_plays(tiny, tmp_path):
    told = []
    report = train_command(tiny, tmp_path / "out", steps=150, progress=told.append)
    assert [each.steps for each in told] == [100, 200]
    assert told[-1].total == report.steps == 200
    assert told[0].episodes == 4
    assert 0 < report.env_share < 1
    assert json.dumps(report._asdict())
    names = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert names == ["agent.py", "policy.npz", "training.json"]
    history = json.loads((tmp_path / "out" / "training.json").read_text())
    assert len(history["updates"]) == 2
    assert history["about"]["seed"] == 3

    exported = export_command(tmp_path / "out", tmp_path / "agent")
    assert exported.layers == [16, 8, 2]
    envs = HedgeVectorEnv(2, horizon_seconds=600.0)
    agent = load_agent(exported.agent, envs.agent_spec())
    observations, info = envs.reset(seed=1)
    agent.reset(info)
    assert agent.act(observations).shape == (2, 2)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tiny):
    first, second, other = (train(load_config(tiny, steps=100, seed=s)).policy for s in (3, 3, 4))
    for one, two in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.weights[0], other.weights[0])


def test_the_exported_policy_acts_as_the_learner_does_without_noise(tiny):
    config = load_config(tiny)
    worlds = make_vec_env("GammaScalp", 4, seed=1, horizon_seconds=1_200.0)
    envs = LearnerEnv(worlds, config)
    with globals_kept(), torch.no_grad():
        model = make_model(config, envs)
        model.policy.action_net.weight.normal_(std=0.5)
        model.policy.action_net.bias.normal_(std=0.5)
    policy = to_policy(model, config, 1.0)
    observations = np.random.default_rng(0).normal(size=(50, 29)).astype(np.float32)
    expected, _ = model.predict(observations, deterministic=True)
    expected = np.clip(expected * np.float32([0.5, 1.0]), -1, 1)
    assert policy.act(observations) == pytest.approx(expected, abs=1e-5)


def test_leaving_out_luck_leaves_the_mean_reward_and_takes_most_of_the_noise(tiny):
    """Worlds that do nothing for two hours, where all that is paid is luck."""
    plain = load_config(tiny).reward.model_copy(update={"scale": 1.0, "without_luck": False})
    rewards = {}
    for without_luck in (False, True):
        reward = plain.model_copy(update={"without_luck": without_luck})
        config = load_config(tiny).model_copy(update={"reward": reward})
        settings = {"horizon_seconds": 7_200.0, "overrides": {"flow.preset": "sparse"}}
        worlds = make_vec_env("GammaScalp", 32, seed=1, risk_aversion=0.0, **settings)
        envs = LearnerEnv(worlds, config)
        envs.reset()
        nothing = np.zeros((32, 2), np.float32)
        rewards[without_luck] = np.array([envs.step(nothing)[1] for _ in range(119)])
    difference = rewards[True].sum(axis=0) - rewards[False].sum(axis=0)
    error = difference.std() / np.sqrt(32)
    assert abs(difference.mean()) < 4 * error
    assert rewards[True].std() < 0.6 * rewards[False].std()


def test_an_override_may_be_anything_that_a_scenario_says(tiny):
    tiny.write_text(TINY.replace('"sparse" }', '"sparse", "shocks" = [] }'))
    assert load_config(tiny).overrides == {"flow.preset": "sparse", "shocks": []}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n_steps", "n_stps", "ppo.n_stps: unknown key; did you mean 'n_steps'"),
        ("envs = 4", "", "envs: is missing"),
        ("envs = 4", "envs = 0", "envs = 0: must be > 0"),
        ("envs = 4", "envs = 1", "ppo.batch_size = 50: must be at most 25"),
        ("net_delta", "net_dleta", "did you mean 'net_delta'"),
        ("[0.5, 1.0]", "[0.5]", "must be two numbers"),
        ("[16, 8]", "[16, 0]", "must be whole numbers from 1"),
        ("seed = 3", "seed = -3", "seed = -3: must be >= 0"),
        ("seed = 3", "seed =", "is not readable TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(tiny, tmp_path, old, new, message):
    text = TINY.replace(old, new)
    tiny.write_text(text)
    with pytest.raises(TrainingError) as error:
        train_command(tiny, tmp_path / "out")
    assert message in str(error.value)
    assert f"training config {tiny}: " in str(error.value)
    lines = str(error.value).splitlines()
    assert len(lines) == 1 or "problems" in lines[0]
    assert not (tmp_path / "out").exists()


def test_wrong_tasks_options_and_folders_are_refused(tiny, tmp_path):
    config = load_config(tiny)
    with pytest.raises(GammagymError, match="did you mean 'GammaScalp'"):
        train(config.model_copy(update={"task": "GamaScalp"}))
    with pytest.raises(GammagymError, match="did you mean 'horizon_seconds'"):
        train(config.model_copy(update={"options": {"horizon": 60.0}}))
    with pytest.raises(GammagymError, match="cannot write to"):
        train_command(tiny, tiny)
    with pytest.raises(GammagymError, match="there is no file"):
        train_command(tmp_path / "none.toml", tmp_path)
    with pytest.raises(GammagymError, match="there is no file"):
        export_command(tmp_path / "none.npz", tmp_path)


def test_the_shipped_policy_was_made_from_the_shipped_configuration():
    folder = Path(__file__).resolve().parents[3] / "agents" / "ppo"
    about = Policy.load(folder / "policy.npz").about
    assert about["config"] == load_config(folder / "train.toml").model_dump(mode="json")
