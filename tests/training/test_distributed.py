"""distributed: n ranks compute what one machine computes on the whole batch. Here ranks are threads, MPI a barrier."""

import threading

import numpy as np
import pytest

import minigan as m
from minigan.backend import host_generator
from minigan.backend.share import Share, Wire
from minigan.data import Dataset
from minigan.optimizers import ExponentialMovingAverage
from minigan.training import NotFiniteError, Training, checkpoint
from minigan.training.distributed import DistributedGAN
from minigan.training.guard import Guard

BOUND = {"float64": 1e-12, "float32": 2e-6}


class Ranks:
    """n communicators, one for each thread, with what distributed.py uses of mpi4py's."""

    def __init__(self, n):
        self.n, self.barrier, self.slots = n, threading.Barrier(n, timeout=30), [None] * n

    def everybody(self, rank, thing):
        self.slots[rank] = thing
        self.barrier.wait()
        there = list(self.slots)
        self.barrier.wait()
        return there

    def run(self, play):
        """[play(comm) for each rank], at the same time; the first error is raised."""
        results, errors = [None] * self.n, []

        def one(rank):
            try:
                results[rank] = play(Comm(self, rank))
            except BaseException as error:
                errors.append(error)
                self.barrier.abort()

        threads = [threading.Thread(target=one, args=(rank,)) for rank in range(self.n)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        if errors:
            raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])
        return results


class Comm:
    def __init__(self, ranks, rank):
        self.ranks, self.rank = ranks, rank

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.ranks.n

    def allgather(self, thing):
        return self.ranks.everybody(self.rank, thing)

    def Allreduce(self, in_place, a):
        assert in_place is None and a.flags.c_contiguous
        a[...] = sum(self.allgather(a.copy()))

    def Allgatherv(self, a, into):
        out, sizes = into
        assert a.size == sizes[self.rank]
        out[...] = np.concatenate([piece.ravel() for piece in self.allgather(a.copy())])


def dense(dtype, *first, rows=1, norm_in_d=(), objective=m.NonSaturating(real=0.9), average=True, **settings):
    G = m.Network(m.Dense(5, 12), m.BatchNorm(12), m.LeakyReLU(), m.Dense(12, 6), m.Tanh(), seed=0, dtype=dtype)
    D = m.Network(*first, m.Dense(6 * rows, 10), *norm_in_d, m.LeakyReLU(), m.Dropout(0.3), m.Dense(10, 1), seed=1,
                  dtype=dtype)  # fmt: skip
    average = ExponentialMovingAverage(G, 0.9) if average else None
    return m.GAN(G, D, objective, 3, *rules(G, D), average=average, **settings), (6,)


def rules(*players):
    """SGD, which steps in proportion to the gradient, also where that is nothing but rounding."""
    return [m.SGD(player, 0.01) for player in players]


def idle(gan, player):
    """Which parameters change no loss, so that their derivative is 0: a mean, or a difference, takes them out again."""
    layers = getattr(gan, player).layers
    found = {f"{i}.b" for i, after in enumerate(layers[1:]) if isinstance(after, m.BatchNorm)}
    relative = player == "discriminator" and isinstance(gan.objective, m.RelativisticAverage)
    return found | ({f"{len(layers) - 1}.b"} if relative else set())


def convolutional(dtype):
    G = m.Network(
        m.Dense(4, 2 * 2 * 3), m.Reshape(2, 2, 3), m.BatchNorm(3), m.LeakyReLU(), m.ConvTranspose2D(1), m.Tanh(),
        seed=0, dtype=dtype,
    )  # fmt: skip
    D = m.Network(
        m.SpectralConv2D(3), m.LeakyReLU(), m.Dropout(0.3), m.Flatten(), m.Dense(12, 1), seed=1, shape=(4, 4, 1),
        dtype=dtype,
    )  # fmt: skip
    return m.GAN(G, D, m.NonSaturating(), 3, *rules(G, D)), (4, 4, 1)


def recurrent(dtype):
    G = m.Network(m.Shared(), m.Dense(4, 5), m.GRU(5), m.Dense(5, 2), seed=0, shape=(3, 2), dtype=dtype)
    D = m.Network(m.Bidirectional(m.LSTM(4)), m.MeanOverTime(), m.Dense(8, 1), seed=1, shape=(3, 2), dtype=dtype)
    both = rules(G, D)
    for rule in both:
        rule.between.append(m.ClipNorm(0.02))
    return m.GAN(G, D, m.NonSaturating(), 3, *both), (3, 2)


def conditional(dtype):
    G = m.Network(m.Condition(3), m.Dense(8, 6), m.BatchNorm(6), m.Tanh(), seed=0, shape=(5,), dtype=dtype)
    D = m.Network(m.Dense(6, 7), m.LeakyReLU(), m.Projection(3), seed=1, dtype=dtype)
    return m.GAN(G, D, m.Hinge(), 3, *rules(G, D), k=2), (6,)


def auxiliary(dtype):
    G = m.Network(m.Condition(3), m.Dense(8, 6), m.Tanh(), seed=0, shape=(5,), dtype=dtype)
    D = m.Network(m.Dense(6, 7), m.LeakyReLU(), m.Dropout(0.3), m.Dense(7, 4), seed=1, dtype=dtype)
    return m.GAN(G, D, m.AuxiliaryClassifier(3), 3, *rules(G, D), penalty=m.R1(1.0)), (6,)


GAMES = {
    "dense": dense,
    "wasserstein": lambda dtype: dense(dtype, objective=m.Wasserstein(), penalty=m.GradientPenalty(10.0), k=5),
    "relativistic": lambda dtype: dense(dtype, objective=m.RelativisticAverage(), penalty=m.R1(1.0)),
    "features": lambda dtype: dense(dtype, objective=m.FeatureMatching(1)),
    "packing": lambda dtype: dense(dtype, m.InstanceNoise(0.1), m.Pack(2, 6), rows=2, penalty=m.R2(1.0)),
    "norm in D": lambda dtype: dense(dtype, norm_in_d=[m.BatchNorm(10)], penalty=m.R1(1.0), noise="uniform"),
    "clipped": lambda dtype: dense(dtype, objective=m.Wasserstein(0.01), average=False),
    "convolutional": convolutional,
    "recurrent": recurrent,
    "conditional": conditional,
    "auxiliary": auxiliary,
}


ADAM = "dense", "relativistic", "norm in D", "recurrent"  # the first step of which is looked at in every run


def played(make, dtype, rounds=3, N=16, comm=None):
    """What each round of a game led to: all its arrays after it, and what it saw."""
    gan, shape = make(dtype)
    gan, course = DistributedGAN(gan, comm) if comm else gan, []
    for t in range(rounds):
        rng = np.random.default_rng(t)
        x = m.xp.asarray(rng.standard_normal((N * gan.k, *shape)).astype(dtype))
        y = m.xp.asarray(rng.integers(0, 3, len(x))) if gan.generator.classes else None
        seen = np.array([float(each) for each in gan.step(x, y)])
        course.append({"seen": seen, **{name: np.copy(a) for name, a in checkpoint.state(gan)[0].items()}})
    return course


def apart(one, other):
    """The largest difference in any number, as a share of 1 or of the largest in its array."""
    assert one.keys() == other.keys()
    sizes = {name: max(1.0, abs(a).max(initial=0)) for name, a in one.items()}
    return max(abs(a.astype("float64") - other[name]).max(initial=0) / sizes[name] for name, a in one.items())


def check(game, n, dtype, rounds=3, N=16):
    """n ranks have the same, to the bit, after a round what one machine has. Returns how far they are in the end."""
    alone = played(GAMES[game], dtype, rounds, N)
    first, *others = Ranks(n).run(lambda comm: played(GAMES[game], dtype, rounds, N, comm))
    assert apart(first[0], alone[0]) < BOUND[dtype]
    assert all(apart(one, other) == 0 for course in others for one, other in zip(course, first, strict=True))
    assert any((first[0][name] != first[1][name]).any() for name in first[0] if name.endswith("theta"))
    return apart(first[-1], alone[-1])


@pytest.mark.parametrize("game", GAMES)
def test_three_ranks_are_one_machine(game):
    assert check(game, 3, "float64") < 1e-10


@pytest.mark.parametrize("game", [pytest.param(game, marks=[pytest.mark.slow] * (game not in ADAM)) for game in GAMES])
def test_the_first_step_of_adam_is_one_machine_s_wherever_there_is_a_derivative(game, monkeypatch):
    """It is up to lr where the derivative is 0 and what comes out is rounding, however small that is."""
    monkeypatch.setitem(globals(), "rules", lambda *players: [m.Adam(player, 5e-4) for player in players])
    (alone,), ((one,), *_) = (
        played(GAMES[game], "float64", 1),
        Ranks(3).run(lambda comm: played(GAMES[game], "float64", 1, comm=comm)),
    )
    gan, _ = GAMES[game]("float64")
    for player, network, _ in gan.players():
        network.theta[:] = alone[f"{player}.theta"] - one[f"{player}.theta"]
        far = {name for name, a, _ in network.parameters() if abs(a).max() > BOUND["float64"]}
        assert far <= idle(gan, player)


@pytest.mark.parametrize("game", ["dense", "conditional"])
def test_arrays_on_a_device_go_through_the_host(game, on_standin):
    assert check(game, 2, "float32") < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("n, dtype, last", [(1, "float32", 0.01), (2, "float32", 0.01), (4, "float64", 1e-9)])
@pytest.mark.parametrize("game", GAMES)
def test_n_ranks_are_one_machine_for_more_rounds(game, n, dtype, last):
    assert check(game, n, dtype, 20, 64) < last


def test_a_batch_is_dealt_in_whole_packs_and_every_sample_once():
    def counts(N, m=1):
        return Ranks(3).run(lambda comm: Share(Wire(comm), N, m).counts)[1]

    assert counts(64) == [22, 21, 21] and counts(64, 2) == [22, 22, 20] and counts(3) == [1, 1, 1]
    with pytest.raises(ValueError, match=r"a batch of 2 samples cannot be shared by 3 ranks: take a larger one"):
        counts(2)
    with pytest.raises(ValueError, match="a batch of 2 packs of 4 samples cannot be shared by 3 ranks"):
        counts(8, 4)


@pytest.mark.parametrize("draw", [
    lambda rng, n: rng.random((n, 2), dtype="float32"), lambda rng, n: rng.standard_normal((n, 2)),
    lambda rng, n: rng.uniform(-1, 2, (n, 3)), lambda rng, n: rng.integers(0, 9, (n, 3)),
    lambda rng, n: rng.random((n, 2), out=np.empty((n, 2))),
    lambda rng, n: rng.random((n, 1), dtype="float32", out=np.empty((n, 1), "float32")),
    lambda rng, n: rng.random((n, 3), dtype="float32") + rng.random((n, 3)) + rng.standard_normal((n, 3)),
    lambda rng, n: rng.random((n, 1, 5), dtype="float32") + rng.random((n, 1, 1), dtype="float32"),
])  # fmt: skip
@pytest.mark.parametrize("parts", [1, 2])
def test_what_ranks_draw_are_the_rows_that_one_machine_draws(draw, parts):
    def drawn(comm):
        share = Share(Wire(comm), 7)
        with share.stacked(parts):
            mine = draw(share.rng(host_generator(0)), parts * share.n)
            return mine, share.here(draw(host_generator(0), parts * 7)), share.whole(mine)

    for mine, of_all, whole in Ranks(3).run(drawn):
        np.testing.assert_array_equal(mine, of_all)
        np.testing.assert_array_equal(whole, draw(host_generator(0), parts * 7))


@pytest.mark.parametrize("where", ["one rank's samples", "a weight"])
def test_the_guard_stops_all_ranks_in_the_same_round_with_the_same_words(where):
    def stopped(comm):
        data = Dataset("noise", np.random.default_rng(0).integers(0, 256, (60, 2, 3), dtype="uint8"))
        training = Training(dense("float32")[0], data, 12)
        training.gan = gan = DistributedGAN(training.gan, comm)
        with pytest.raises(NotFiniteError) as stop, np.errstate(all="ignore"):
            for played, _ in enumerate(training.rounds(2), 1):
                if played == 3 and where == "a weight":
                    gan.generator.layers[3].W[0, 1] = np.nan
                elif played == 3 and comm.Get_rank() == 2:
                    training.batches.scale = np.nan
        assert training.round == 3 and np.isfinite(gan.discriminator.theta).all()
        return str(stop.value)

    words = Ranks(4).run(stopped)
    assert len(set(words)) == 1
    if where == "a weight":
        assert words[0].startswith("epoch 1, round 4: generator, layer 3, Dense(12, 6): W holds nan at [0, 1]")
    else:
        assert words[0].startswith("epoch 1, round 4: on rank 2, the batch of real samples: x holds nan at [0, 0]")


def test_what_hangs_in_between_sees_the_whole_gradient_after_the_guard_saw_its_own():
    seen = []

    def play(comm):
        gan, shape = dense("float64")
        gan.generator_optimizer.between.append(lambda network: seen.append(network.dtheta.copy()))
        Guard(gan)
        DistributedGAN(gan, comm).step(np.ones((8, *shape)))

    Ranks(2).run(play)
    np.testing.assert_array_equal(*seen)


def test_what_a_game_cannot_be_dealt_is_refused_in_its_own_words():
    def play(comm):
        with pytest.raises(ValueError, match="a batch of 7 samples cannot be split among k=5 steps: take a multiple"):
            DistributedGAN(GAMES["wasserstein"]("float64")[0], comm).step(np.ones((7, 6)))

    Ranks(2).run(play)
