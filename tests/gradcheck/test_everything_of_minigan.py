"""No right layer, objective or penalty of minigan is convicted, nor called a kink where it has none: all of them."""

import itertools

import pytest
from subjects import LAYERS, OBJECTIVES, PENALTIES, WITHOUT_SECOND, N, around, draw, labels, players

import minigan as m
from minigan.gradcheck import check_game, check_penalty, check_second_order, gradcheck


def passes(report, kinks=False):
    assert report.ok and report.rows, f"\n{report}"
    assert kinks or {row.verdict for row in report.rows} == {"ok"}, f"\n{report}"


def test_the_tables_name_all_that_minigan_has():
    def own(module, base):
        found = [vars(module)[name] for name in module.__all__]
        return {a for a in found if isinstance(a, type) and issubclass(a, base) and a is not base}

    assert {type(make()) for make, _ in LAYERS.values()} == own(m.layers, m.Layer) | {m.Network}
    assert {type(objective) for objective in OBJECTIVES} == own(m.objectives, m.Objective)
    assert {type(penalty) for penalty in PENALTIES[1:]} == own(m.objectives, m.Penalty)


@pytest.mark.parametrize("training", [pytest.param(False, marks=pytest.mark.slow, id="outside"), True])
@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_passes_alone_in_training_and_out_of_it(name, training):
    make, shape = LAYERS[name]
    x, given = draw(N, *shape), {"training": training, **labels(name)}
    for method in "central", "complex":
        passes(gradcheck(make(), x, method=method, **given))
    passes(gradcheck(around(name, 3, 2), draw(N, 3), **given))
    if name in WITHOUT_SECOND:
        with pytest.raises(NotImplementedError, match="gradient penalties need both"):
            check_second_order(make(), x)
    else:
        passes(check_second_order(make(), x, **given))
        passes(check_second_order(around(name, 3, 2, m.Sigmoid()), draw(N, 3), **given))


GAMES = list(itertools.product(OBJECTIVES, PENALTIES))


@pytest.mark.parametrize("i, name", list(enumerate(LAYERS)))
def test_each_layer_passes_in_a_game_with_some_objective_and_penalty(i, name):
    objective, penalty = OBJECTIVES[i % len(OBJECTIVES)], PENALTIES[i % len(PENALTIES)]
    gan = m.GAN(*players(name, objective, penalty), objective, penalty=penalty)
    passes(check_game(gan, draw(N, 4), draw(N, 3), entries=2, **labels(name, objective)))


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_passes_in_a_game_with_every_objective_and_penalty(name):
    for seed, (objective, penalty) in enumerate(GAMES):
        x, z, y = draw(N, 4, seed=seed), draw(N, 3, seed=seed), labels(name, objective)
        gan = m.GAN(*players(name, objective, penalty), objective, penalty=penalty)
        passes(check_game(gan, x, z, seed=seed, entries=4, **y), kinks=True)


@pytest.mark.parametrize("penalty", PENALTIES[1:], ids=repr)
def test_each_penalty_passes_on_a_network_of_many_layers(penalty):
    inner = m.Network(m.LayerNorm(6), m.Dropout(0.2))
    D = m.Network(
        m.Pack(2, 4), m.InstanceNoise(0.2), m.SpectralNorm(8, 6), m.LeakyReLU(), inner, m.Maxout(6, 3), m.Dense(3, 1)
    )
    passes(check_penalty(penalty, D, draw(6, 4)))
