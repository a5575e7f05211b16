"""Training on text: it learns, both ways move G where D points, and a checkpoint goes on to the same bits."""

import numpy as np
import pytest
import standin

import minigan.training.text
from minigan import Dense, Embedding, Network, gradcheck, xp
from minigan.backend import host_generator
from minigan.data.sealed import CheckpointError, write
from minigan.data.text import Text
from minigan.evaluation.text import both
from minigan.objectives.tokens import drawn
from minigan.training.guard import NotFiniteError
from minigan.training.text import WAYS, TextGame, TextTraining, judge, language_model

V, T = 4, 6
CYCLE = ((np.arange(48)[:, None] + np.arange(T)) % (V - 1) + 1).astype("float32")  # 1 2 3 1 2 3, 2 3 1 2 3 1, ...


def training(way="reinforce", seed=0, batch_size=8, **options):
    """Of two epochs of likelihood, six rounds each, and then a game, unless the options say otherwise."""
    G, D = language_model(V, 6, 8, 0.1, seed), judge(V, way, 6, 8, 0.1, seed + 1)
    game = TextGame(G, D, way, **{"learned": 12, "warm": 2, "seed": seed} | options)
    return TextTraining(game, Text("cycle", CYCLE, CYCLE[:6], V), batch_size)


def test_maximum_likelihood_learns_what_follows():
    learner = training(learned=180, lr=3e-2)
    rows = [row for row in learner.rounds(30) if row]
    assert [row["epoch"] for row in rows] == list(range(1, 31)) and np.isnan(rows[-1]["loss_d"])
    first = np.log(3) / T  # what the first token costs, one of three: the others follow from it
    assert first < rows[-1]["test"] < 2 * first < rows[0]["test"]
    x = drawn(learner.gan.generator, 200, T, np.random.default_rng(0))
    assert ((x[:, 1:] - x[:, :-1]) % 3 == 1).mean() > 0.95


@pytest.mark.parametrize("way", WAYS)
def test_a_judge_that_praises_a_token_is_followed(way):
    D = Network(Embedding(V, 6), Dense(6, 1), shape=(None, V) if way == "gumbel" else None)
    D.layers[0].W[...], D.layers[1].W[...] = np.eye(V, 6)[:, [2] * 6] * 3, 1.0
    game = TextGame(language_model(V, 6, 8, 0.1), D, way, pull=0.0, warm=0, lr_game=3e-2, tau=0.5)
    game.judge = lambda x, fake: xp.zeros(())
    before = (drawn(game.generator, 200, T, np.random.default_rng(0)) == 2).mean()
    for _ in range(40):
        game.step(CYCLE[:8])
    after = (drawn(game.generator, 200, T, np.random.default_rng(0)) == 2).mean()
    assert before < 0.4 and after > 0.8


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_goes_on_to_the_same_bits(way, tmp_path):
    whole, cut = training(way), training(way)
    list(whole.rounds(4))
    for _ in cut.rounds(4):
        if (cut.epoch, cut.round) == (2, 3):  # within the first rounds of the game
            break
    cut.save(tmp_path / "a.npz")
    twin = training(way)
    twin.restore(tmp_path / "a.npz")
    list(twin.rounds(4))
    for name, a in whole.state()[0].items():
        assert np.array_equal(a, twin.state()[0][name]), name
    same = "epoch", "loss_d", "train", "test"
    rows, others = ([[row[name] for name in same] for row in each.history] for each in (whole, twin))
    np.testing.assert_array_equal(rows, others)
    assert len(rows) == 4 and min(rows[2][1], rows[3][1]) > 0 and np.isnan([rows[0][1], rows[1][1]]).all()
    assert np.array_equal(whole.samples, twin.samples)


def test_g_begins_the_game_with_an_adam_of_its_rate_and_without_a_past():
    one = training(lr=1e-2, lr_game=3e-3, warm=0)
    list(one.rounds(2))
    rule = one.gan.generator_optimizer
    assert rule.steps == 12 and rule.rate < 1e-3
    next(one.rounds(3))
    g = one.gan.generator.dtheta
    assert rule.steps == 1 and rule.rate == 3e-3
    np.testing.assert_allclose(rule.m, 0.1 * g, rtol=1e-5)


def test_a_number_that_is_not_finite_is_found_where_it_began():
    one = training()
    next(one.rounds(1))
    one.gan.generator.layers[4].W[1, 2] = np.nan
    with pytest.raises(NotFiniteError, match=r"epoch 1, round 2: generator, layer 4, Dense\(8, 4\): W holds nan at"):
        list(one.rounds(1))
    with pytest.raises(NotFiniteError, match="before a checkpoint was written, so none was"):
        one.save("nowhere.npz")


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    training().save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="its seed is 0, but here it is 1"):
        training(seed=1).restore(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="its way is 'reinforce', but here it is 'gumbel'"):
        training("gumbel").restore(tmp_path / "a.npz")
    write(tmp_path / "b.npz", {}, {"other": 1})
    with pytest.raises(CheckpointError, match="not the checkpoint of a game"):
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
        ({"learned": -1}, "learned=-1"),
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
        list(expected.rounds(3))
    xp._switch(standin)
    found = training(way)
    list(found.rounds(3))
    for name, a in expected.state()[0].items():
        assert np.array_equal(found.state()[0][name], a), name
    oracle = language_model(V, 3, 3)
    assert both(oracle, Text("x", CYCLE, CYCLE, V, oracle=oracle), n=5)[0] > 0
