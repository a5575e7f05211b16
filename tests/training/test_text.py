"""Training on text: it learns, both ways move G where D points, and a checkpoint goes on to the same bits."""

import numpy as np
import pytest
import standin

import minigan.training.text
from minigan import Dense, Embedding, Network, gradcheck, to_numpy, xp
from minigan.backend import host_generator
from minigan.data.sealed import CheckpointError, write
from minigan.data.text import Text
from minigan.evaluation.text import both
from minigan.objectives.tokens import drawn
from minigan.training.text import WAYS, TextTraining, judge, language_model

V, T = 4, 6
CYCLE = ((np.arange(48)[:, None] + np.arange(T)) % (V - 1) + 1).astype("float32")  # 1 2 3 1 2 3, 2 3 1 2 3 1, ...


def training(way="reinforce", seed=0, **options):
    G, D = language_model(V, 6, 8, 0.1, seed), judge(V, way, 6, 8, 0.1, seed + 1)
    text = Text("cycle", CYCLE, CYCLE[:6], V)
    return TextTraining(
        text, G, D, way, **{"epochs": 2, "batch_size": 8, "warm": 2, "every": 4, "seed": seed} | options
    )


def test_maximum_likelihood_learns_what_follows():
    game = training(epochs=30, lr=3e-2)
    rows = [row for row in game.rounds() if row]
    assert len(rows) == 30 and rows[-1]["round"] == 180 and rows[-1]["epoch"] == 30
    first = np.log(3) / T  # what the first token costs, one of three: the others follow from it
    assert first < rows[-1]["test"] < 2 * first < rows[0]["test"]
    x = drawn(game.G, 200, T, np.random.default_rng(0))
    assert ((x[:, 1:] - x[:, :-1]) % 3 == 1).mean() > 0.95


@pytest.mark.parametrize("way", WAYS)
def test_a_judge_that_praises_a_token_is_followed(way):
    game = training(way, pull=0.0, warm=0, lr_game=3e-2, tau=0.5)
    head = game.D.layers[-1]
    rows = np.zeros((V, game.D.layers[0].width))
    rows[2] = 3.0
    game.D.layers[0].W[...], head.W[...] = rows, 0
    game.judge = lambda x, fake: 0.0
    game.D = Network(Embedding(V, 6), Dense(6, 1), shape=(None, V) if way == "gumbel" else None)
    game.D.layers[0].W[...], game.D.layers[1].W[...] = rows, 1.0
    before = (drawn(game.G, 200, T, np.random.default_rng(0)) == 2).mean()
    for _ in range(40):
        game.play()
        game.round += 1
    after = (drawn(game.G, 200, T, np.random.default_rng(0)) == 2).mean()
    assert before < 0.4 and after > 0.8


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_goes_on_to_the_same_bits(way, tmp_path):
    whole, cut = training(way), training(way)
    list(whole.rounds(8))
    for _ in cut.rounds(8):
        if cut.round == 15:  # within the first rounds of the game
            break
    cut.save(tmp_path / "a.npz")
    twin = training(way)
    twin.restore(tmp_path / "a.npz")
    list(twin.rounds(8))
    for name, a in whole._arrays().items():
        assert np.array_equal(a, twin._arrays()[name]), name
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in whole.history]
    assert rows == [{k: v for k, v in row.items() if k != "seconds"} for row in twin.history] and len(rows) == 4


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    training().save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="its seed is 0, but here it is 1"):
        training(seed=1).restore(tmp_path / "a.npz")
    write(tmp_path / "b.npz", {}, {"other": 1})
    with pytest.raises(CheckpointError, match="not a checkpoint of training on text"):
        training().restore(tmp_path / "b.npz")


@pytest.mark.parametrize("way", WAYS)
def test_the_judge_is_checked(way):
    D = judge(V, way, 3, 4, 0.0)
    x = CYCLE[:3] if way == "reinforce" else np.random.default_rng(0).random((3, T, V))
    assert gradcheck(D, x).ok


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"way": "guess"}, "way='guess': expected one of reinforce, gumbel"),
        ({"batch_size": 49}, "cycle: batch_size=49 must be a whole number from 1 to 48"),
        ({"pull": -1}, "pull must be at least 0"),
        ({"tau": 0}, "tau must be positive"),
        ({"discount": 2}, r"discount must lie in \[0, 1\]"),
        ({"epochs": 0}, "epochs=0"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        training(**options)


def streams_of_a_device(*key):
    return np.random.default_rng(int(host_generator(*key).integers(2**63)))


@pytest.mark.parametrize("way", WAYS)
def test_a_device_computes_the_same(way, monkeypatch):
    """On the stand-in, with the noise of its stream on both sides."""
    with monkeypatch.context() as patch:
        patch.setattr(minigan.training.text, "random_generator", streams_of_a_device)
        patch.setattr(minigan.layers.noise, "generator", streams_of_a_device)
        expected = training(way)
        list(expected.rounds(6))
    xp._switch(standin)
    found = training(way)
    list(found.rounds(6))
    for name, a in expected._arrays().items():
        assert np.array_equal(to_numpy(found._arrays()[name]), a), name
    oracle = language_model(V, 3, 3)
    assert both(oracle, Text("x", CYCLE, CYCLE, V, oracle=oracle), n=5)[0] > 0
