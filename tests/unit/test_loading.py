"""Loading agents: references, and one clear error for every way in which an agent can be bad."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from gammagym import content, loading
from gammagym.agent import FIELD_NAMES, AgentSpec
from gammagym.errors import AgentError
from gammagym.loading import agent_title, checked_action, load_agent, parse_reference

SPEC = AgentSpec(
    task="GammaScalp",
    action_scheme="hedge",
    action_shape=(2,),
    observation_fields=FIELD_NAMES,
    gross_quantity=10.0,
    largest_order=2.0,
    dead_zone=0.05,
    maker_fee=0.0002,
    taker_fee=0.0005,
    reference_price=60_000.0,
    stake=2839.0,
    risk_aversion=0.001,
    decision_seconds=60.0,
    horizon_seconds=86_400.0,
)

GOOD = '''
from __future__ import annotations
from dataclasses import dataclass

@dataclass(frozen=True)
class Params:
    """What can be set."""
    band: float = 0.01
    count: int = 3
    edge: bool = False
    label: str = "x"

class Mine:
    def __init__(self, spec, params):
        self.spec, self.params = spec, params

    def reset(self, info, worlds=None):
        pass

    def act(self, observation):
        return [0.0, 1.0]

def make_agent(spec, **params):
    return Mine(spec, Params(**params))
'''


@pytest.fixture
def write(tmp_path):
    """Write an agent file and return its path as text."""

    def _write(text, name="mine.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return _write


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Let two files be all the agents that are shipped."""
    files = {name: tmp_path / f"{name}.py" for name in ("whalley_wilmott", "no_hedge")}
    for path in files.values():
        path.write_text(GOOD)
    real = content.resolve

    def resolve(kind, name):
        return files[name] if name in files else real(kind, name)

    monkeypatch.setattr(content, "available", lambda kind: sorted(files))  # noqa: ARG005
    monkeypatch.setattr(content, "resolve", resolve)
    return files


@pytest.fixture
def registered(monkeypatch):
    """Register entry points of other packages."""
    entries = []

    def entry_points(group, name=None):
        assert group == "gammagym.agents"
        return [each for each in entries if name in (None, each.name)]

    monkeypatch.setattr(loading, "entry_points", entry_points)

    def _register(name, value):
        entries.append(EntryPoint(name, value, "gammagym.agents"))

    return _register


def private_modules():
    return {name for name in sys.modules if name.startswith("_gammagym_agent_")}


# References


@pytest.mark.parametrize(
    ("reference", "name", "parameters"),
    [
        ("no_hedge", "no_hedge", {}),
        (" no_hedge ", "no_hedge", {}),
        ("./mine.py", "./mine.py", {}),
        ("delta_band:band=0.02", "delta_band", {"band": 0.02}),
        ("a:x=1,y=1e-3,z=-2.5", "a", {"x": 1, "y": 0.001, "z": -2.5}),
        ("a:x=true,y=False,z=yes", "a", {"x": True, "y": False, "z": "yes"}),
        ("a: x = 1 , y = two words", "a", {"x": 1, "y": "two words"}),
        ("./mine.py:weights=./w.npz", "./mine.py", {"weights": "./w.npz"}),
        ("a:when=12:30", "a", {"when": "12:30"}),
        (r"C:\bots\mine.py", r"C:\bots\mine.py", {}),
        (r"C:\bots\mine.py:x=1", r"C:\bots\mine.py", {"x": 1}),
    ],
)
def test_a_reference_is_a_name_and_parameters(reference, name, parameters):
    found_name, found = parse_reference(reference)
    assert (found_name, found) == (name, parameters)
    assert [type(each) for each in found.values()] == [type(each) for each in parameters.values()]


@pytest.mark.parametrize(
    "reference", ["", "  ", ":x=1", "a:", "a:0.02", "a:x=", "a:x=1,", "a:x=1,=2", "a:x=1,x=2"]
)
def test_a_malformed_reference_is_refused_by_name(reference):
    with pytest.raises(AgentError, match=r"agent '"):
        parse_reference(reference)


@pytest.mark.parametrize(
    ("reference", "title"),
    [
        ("whalley_wilmott", "whalley_wilmott"),
        ("delta_band:band=0.020,edge=TRUE", "delta_band (band=0.02, edge=True)"),
        ("./bots/mine.py", "mine"),
        ("./bots/ppo", "ppo"),
        ("./bots/ppo.v2/", "ppo.v2"),
        ("./bots/ppo/agent.py", "ppo"),
    ],
)
def test_the_title_of_an_agent_is_short(reference, title):
    assert agent_title(reference) == title


# Agents that load


def test_an_agent_is_loaded_from_a_file(write):
    agent = load_agent(write(GOOD), SPEC)
    assert agent.spec is SPEC
    assert agent.params.band == 0.01


def test_an_agent_is_loaded_from_a_folder(write):
    path = Path(write(GOOD, "folder/agent.py"))
    assert load_agent(f"{path.parent}:band=0.5", SPEC).params.band == 0.5


def test_an_agent_is_loaded_by_the_name_it_ships_under(shipped):
    assert load_agent("no_hedge", SPEC).spec is SPEC
    assert loading.available_agents() == sorted(shipped)


@pytest.mark.parametrize("value", ["registered_bot", "registered_bot:make_agent"])
def test_an_agent_is_loaded_from_an_entry_point(value, shipped, registered, write, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(write(GOOD, "registered_bot.py")).parent))
    monkeypatch.delitem(sys.modules, "registered_bot", raising=False)
    registered("theirs", value)
    assert load_agent("theirs:count=7", SPEC).params.count == 7
    assert loading.available_agents() == sorted([*shipped, "theirs"])
    with pytest.raises(AgentError, match=r"unknown parameter 'bnad'; did you mean 'band'\?"):
        load_agent("theirs:bnad=1", SPEC)


def test_parameters_reach_the_agent_with_their_declared_types(write):
    params = load_agent(f"{write(GOOD)}:band=2,count=4.0,edge=true,label=007", SPEC).params
    assert (params.band, params.count, params.edge, params.label) == (2.0, 4, True, "007")
    assert isinstance(params.band, float)
    assert isinstance(params.count, int)


def test_parameters_may_be_arguments_of_make_agent(write):
    text = GOOD.replace("class Params", "class Other") + (
        "\ndef make_agent(spec, width: float = 1.0, *, name='x'):\n"
        "    return Mine(spec, (width, name))\n"
    )
    path = write(text)
    assert load_agent(f"{path}:width=3,name=b", SPEC).params == (3.0, "b")
    with pytest.raises(AgentError, match="unknown parameter 'band'; known: name, width"):
        load_agent(f"{path}:band=1", SPEC)


def test_parameters_of_any_name_pass_where_nothing_declares_them(write):
    text = GOOD + "\ndel Params\ndef make_agent(spec, **given):\n    return Mine(spec, given)\n"
    assert load_agent(f"{write(text)}:a=1,b=x", SPEC).params == {"a": 1, "b": "x"}


def test_loading_a_file_twice_gives_two_modules_and_leaves_the_path_alone(write):
    path, before = write(GOOD + "memory = []\n"), list(sys.path)
    first, second = (sys.modules[type(load_agent(path, SPEC)).__module__] for _ in range(2))
    assert first is not second
    assert first.memory is not second.memory
    assert sys.path == before


# Agents that do not


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def make_agent(spec)\n", "cannot be loaded: SyntaxError: expected ':'"),
        ("\nx = undefined\n", r"cannot be loaded: NameError: name 'undefined' .*\(line 2\)$"),
        ("import no_such_module\n", r"cannot be loaded: ModuleNotFoundError: .*\(line 1\)$"),
        ("raise SystemExit('bye')\n", "cannot be loaded: SystemExit: bye"),
        ("", r"defines no make_agent\(spec\)"),
        ("make_agent = 3\n", "make_agent must be a function, is 3"),
        ("def make_agent():\n    pass\n", "make_agent raised TypeError: .*takes 0 positional"),
        (
            "def make_agent(spec):\n    x = 1\n    return x / 0\n",
            r"make_agent raised ZeroDivisionError: division by zero \(line 3\)$",
        ),
        ("def make_agent(spec):\n    raise KeyError\n", r"make_agent raised KeyError \(line 2\)$"),
        (
            "from gammagym.errors import AgentError\n"
            "def make_agent(spec):\n    raise AgentError('band must be >= 0, was -1')\n",
            "': band must be >= 0, was -1$",
        ),
        ("def make_agent(spec):\n    pass\n", r"\(NoneType\) has no reset and no act"),
        (
            "class A:\n    def act(self, observation): ...\n"
            "def make_agent(spec):\n    return A()\n",
            r"what it returned \(A\) has no reset$",
        ),
        (
            "class A:\n    reset = 1\n    def act(self, observation): ...\n"
            "def make_agent(spec):\n    return A()\n",
            "has no reset$",
        ),
        (GOOD + "def make_agent(spec):\n    return Mine\n", "the class Mine, not an object of it"),
        ("def make_agent(spec):\n    return lambda observation: observation\n", "has no reset"),
    ],
)
def test_a_bad_file_is_one_error_in_one_line_that_names_it(write, text, message):
    path, before = write(text), private_modules()
    with pytest.raises(AgentError, match=message) as caught:
        load_agent(path, SPEC)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)
    assert private_modules() == before


def test_an_interrupt_while_loading_is_not_swallowed(write):
    before = private_modules()
    with pytest.raises(KeyboardInterrupt):
        load_agent(write("raise KeyboardInterrupt\n"), SPEC)
    assert private_modules() == before


def test_an_unknown_name_suggests_the_nearest(shipped, registered):  # noqa: ARG001
    registered("their_bot", "nowhere")
    with pytest.raises(AgentError, match=r"'whaley_wilmott'.* mean 'whalley_wilmott'\? known: no_"):
        load_agent("whaley_wilmott", SPEC)
    with pytest.raises(AgentError, match="did you mean 'their_bot'"):
        load_agent("their_bott", SPEC)


def test_an_entry_point_that_cannot_be_imported_is_named(shipped, registered):  # noqa: ARG001
    registered("theirs", "no_such_package.bot:make_agent")
    with pytest.raises(AgentError, match=r"agent 'theirs' \(no_such_package.*ModuleNotFoundError"):
        load_agent("theirs", SPEC)


@pytest.mark.parametrize("name", ["missing.py", "nowhere/mine.py", "empty_folder/", "notes/n.txt"])
def test_a_path_without_an_agent_is_named(tmp_path, name):
    (tmp_path / "empty_folder").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "n.txt").write_text("not an agent")
    with pytest.raises(AgentError, match=Path(name).name):
        load_agent(str(tmp_path / name), SPEC)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("bnad=1", r"unknown parameter 'bnad'; did you mean 'band'\? known: band, count, edge, la"),
        ("band=wide", "parameter 'band' must be a number, was 'wide'"),
        ("band=true", "parameter 'band' must be a number, was 'true'"),
        ("band=nan", "parameter 'band' must be a number, was 'nan'"),
        ("band=inf", "parameter 'band' must be a number, was 'inf'"),
        ("count=1.5", "parameter 'count' must be a whole number, was '1.5'"),
        ("count=inf", "parameter 'count' must be a whole number, was 'inf'"),
        ("edge=1", "parameter 'edge' must be true or false, was '1'"),
        ("edge=maybe", "parameter 'edge' must be true or false, was 'maybe'"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(write, parameter, message):
    path = write(GOOD)
    with pytest.raises(AgentError, match=message) as caught:
        load_agent(f"{path}:{parameter}", SPEC)
    assert path in str(caught.value)


def test_an_agent_without_parameters_says_so(write):
    path = write(GOOD + "def make_agent(spec):\n    return Mine(spec, None)\n")
    with pytest.raises(AgentError, match="unknown parameter 'band'; it takes none"):
        load_agent(f"{path}:band=1", SPEC)


# Actions


@pytest.mark.parametrize(
    ("action", "shape"),
    [
        ([0.5, 1], (2,)),
        (np.zeros((3, 2)), (3, 2)),
        (np.ones(4, dtype=np.int64), (4,)),
        (np.float32(1), ()),
        (np.zeros((0, 2), dtype=np.float32), (0, 2)),
    ],
)
def test_an_action_becomes_a_float32_array(action, shape):
    checked = checked_action(action, shape)
    assert checked.dtype == np.float32
    assert checked.shape == shape
    assert np.array_equal(checked, action)


def test_a_checked_action_does_not_share_memory_with_the_agent():
    own = np.zeros(2, dtype=np.float32)
    checked = checked_action(own, (2,))
    own[0] = 1.0
    assert checked[0] == 0.0


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (None, "dtype object"),
        ("buy", "dtype <U3"),
        ([True, False], "dtype bool"),
        (np.zeros(2, dtype=complex), "dtype complex128"),
        ([[0.0], [0.0, 1.0]], "not an array of numbers"),
        (0.5, r"shape \(2,\), had \(\)"),
        ([0.5], r"shape \(2,\), had \(1,\)"),
        ([[0.5, 1.0]], r"shape \(2,\), had \(1, 2\)"),
        ([0.5, float("nan")], r"finite, was nan at \(1,\)"),
        ([float("-inf"), 1.0], r"finite, was -inf at \(0,\)"),
        ([1e300, 1.0], r"finite, was inf at \(0,\)"),
    ],
)
def test_what_is_no_action_is_refused(action, message):
    with pytest.raises(AgentError, match=f"whalley: .*{message}"):
        checked_action(action, (2,), title="whalley")
