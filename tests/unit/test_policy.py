"""Policies: what they reckon, and that broken files are refused in one line."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gammagym.agent import FIELD_NAMES
from gammagym.errors import AgentError
from gammagym.policy import FORMAT, Policy, PolicyAgent

INPUTS = ("net_delta", "gamma", "working")


def make(activation="tanh", layers=(8, 5, 2), seed=0, inputs=INPUTS, **changes):
    generator = np.random.default_rng(seed)
    widths = (len(inputs), *layers)
    arrays = {
        "weights": tuple(
            generator.normal(size=(after, before)).astype(np.float32)
            for before, after in itertools.pairwise(widths)
        ),
        "biases": tuple(generator.normal(size=width).astype(np.float32) for width in layers),
        "scale": np.linspace(0.5, 3.0, len(inputs), dtype=np.float32),
    }
    rest = {"activation": activation, "inputs": inputs, "limit": 2.0}
    names = {"action_scheme": "hedge", "task": "GammaScalp"}
    return Policy(**(arrays | rest | names | changes))


def observations(rows=7, seed=1):
    return np.random.default_rng(seed).normal(size=(rows, len(FIELD_NAMES))).astype(np.float32)


def arrays_of(policy, path):
    policy.save(path)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_network_is_the_formula_of_the_module(activation):
    policy, seen = make(activation), observations()
    values = np.clip(seen[:, [FIELD_NAMES.index(name) for name in INPUTS]] * policy.scale, -2, 2)
    for layer, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        values = values @ weight.T + bias
        if layer < 2:
            values = np.tanh(values) if activation == "tanh" else np.maximum(values, 0)
    assert policy.act(seen) == pytest.approx(np.clip(values, -1, 1), abs=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_network_equals_torch(activation):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    policy, seen = make(activation, layers=(64, 64, 2)), observations(100)
    modules = []
    for weight, bias in zip(policy.weights, policy.biases, strict=True):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(weight), torch.tensor(bias)
        modules += [linear, torch.nn.Tanh() if activation == "tanh" else torch.nn.ReLU()]
    columns = [FIELD_NAMES.index(name) for name in INPUTS]
    inputs = torch.clamp(torch.tensor(seen[:, columns]) * torch.tensor(policy.scale), -2, 2)
    expected = torch.clamp(torch.nn.Sequential(*modules[:-1])(inputs), -1, 1).detach().numpy()
    assert policy.act(seen) == pytest.approx(expected, abs=1e-5)


def test_one_call_for_a_batch_equals_one_call_for_each_world_to_the_bit():
    policy, seen = make(layers=(64, 64, 2)), observations(130)
    together = policy.act(seen)
    assert together.dtype == np.float32
    assert together.shape == (130, 2)
    for rows in (1, 3, 64):
        np.testing.assert_array_equal(policy.act(seen[:rows]), together[:rows])
    for row in range(130):
        np.testing.assert_array_equal(policy.act(seen[row]), together[row])


def test_saved_and_loaded_it_is_the_same(tmp_path):
    policy = make(about={"seed": 3})
    policy.save(tmp_path / "new" / "policy.npz")
    loaded = Policy.load(tmp_path / "new" / "policy.npz")
    np.testing.assert_array_equal(loaded.act(observations()), policy.act(observations()))
    assert loaded.about == {"seed": 3}
    assert (loaded.inputs, loaded.task, loaded.action_scheme) == (INPUTS, "GammaScalp", "hedge")
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["policy.npz"]


def test_fields_are_found_by_name_where_observations_are_ordered_differently(tmp_path):
    policy, seen = make(), observations()
    policy.save(tmp_path / "policy.npz")
    reversed_fields = ("more", *reversed(FIELD_NAMES))
    loaded = Policy.load(tmp_path / "policy.npz", reversed_fields)
    other = np.concatenate([np.full((7, 1), 9, np.float32), seen[:, ::-1]], axis=1)
    np.testing.assert_array_equal(loaded.act(other), policy.act(seen))


def change_header(arrays, **changes):
    header = json.loads(str(arrays["header"])) | changes
    return {"header": np.array(json.dumps(header))}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda _: {"format": np.array("something else")}, f"format must be '{FORMAT}'"),
        (lambda _: {"version": np.array(99)}, "has version 99 of the format, not 1"),
        (lambda _: {"scale": None}, "has no scale"),
        (lambda _: {"header": None}, "has no header"),
        (lambda _: {"header": np.array("{")}, "malformed header"),
        (lambda _: {"header": np.array("{}")}, "has no activation"),
        (lambda a: change_header(a, activation="tahn"), "did you mean 'tanh'"),
        (lambda a: change_header(a, limit=0), "limit must be > 0"),
        (lambda _: {"inputs": np.array(["net_delta", "gamma", "wrking"])}, "mean 'working'"),
        (lambda a: {"weight_0": a["weight_0"][:, :2]}, "weight_0 must have shape"),
        (lambda a: {"bias_1": a["bias_1"][:2]}, "bias_1 must have shape"),
        (lambda a: {"weight_1": a["weight_1"].astype(float)}, "must be float32, is float64"),
        (lambda a: {"weight_2": a["weight_2"] * np.float32(np.nan)}, "not finite"),
        (lambda _: {"bias_1": None}, "has no bias_1"),
    ],
)
def test_a_broken_file_is_refused_and_the_part_is_named(tmp_path, changes, message):
    path = tmp_path / "policy.npz"
    arrays = arrays_of(make(), path)
    arrays |= changes(arrays)
    np.savez(path, **{name: each for name, each in arrays.items() if each is not None})
    with pytest.raises(AgentError, match=r"policy .*policy\.npz: ") as error:
        Policy.load(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_python_objects_are_never_loaded(tmp_path):
    path = tmp_path / "policy.npz"
    arrays = arrays_of(make(), path) | {"header": np.array([{"a": 1}], dtype=object)}
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(AgentError, match="Python objects, which are never loaded"):
        Policy.load(path)


@pytest.mark.parametrize("content", [None, b"", b"no zip", b"\x80\x04K\x01."])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "policy.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AgentError, match=r"policy .*policy\.npz: (there is no|is not an)"):
        Policy.load(path)


def test_the_shipped_agent_plays_without_torch():
    code = (
        "import sys, gammagym\n"
        "from gammagym.envs.single import HedgeEnv\n"
        "env = HedgeEnv(horizon_seconds=600.0, overrides={'flow.preset': 'sparse'})\n"
        "agent = gammagym.load_agent('ppo', env.agent_spec())\n"
        "observation, info = env.reset(seed=1)\n"
        "agent.reset(info)\n"
        "env.step(agent.act(observation))\n"
        "assert not {'torch', 'stable_baselines3'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_the_shipped_policy_tells_how_it_was_made():
    path = Path(__file__).resolve().parents[2] / "agents" / "ppo" / "policy.npz"
    about = Policy.load(path).about
    assert {"seed", "steps", "seconds", "versions", "config"} <= set(about)


def test_another_action_scheme_is_refused(tmp_path):
    from gammagym.envs.single import HedgeEnv

    make(action_scheme="quotes").save(tmp_path / "policy.npz")
    with pytest.raises(AgentError, match="acts by the action scheme 'quotes'"):
        PolicyAgent(HedgeEnv(horizon_seconds=600.0).agent_spec(), tmp_path / "policy.npz")
