"""Characters of files, and the oracle's weights, as they come out; and what is refused."""

import numpy as np
import pytest

from minigan import Network
from minigan.data import DataError
from minigan.data.text import characters, load_oracle, spoken
from minigan.objectives.tokens import before

V, E, H = 7, 3, 2


def weights(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"embedding": (V, E), "V": (H, V), "c": (V,)}
    for k in "ifoc":
        shapes |= {f"W{k}": (E, H), f"U{k}": (H, H), f"b{k}": (H,)}
    return {name: rng.standard_normal(shape).astype("float32") for name, shape in shapes.items()}


def sigma(a):
    return 1 / (1 + np.exp(-a))


def test_windows_are_the_text_cut_up_and_every_tenth_is_held_out(tmp_path):
    text = "".join("abcde\n"[i % 6] for i in range(203))
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    found = characters(tmp_path / "a.txt", 10)
    assert found.vocabulary == 7 and found.words == ("", "\n", "a", "b", "c", "d", "e")
    assert found.x.shape == (18, 10) and found.test.shape == (2, 10) and found.x.dtype == "float32"
    assert "".join(found.say(found.x[:9])) == text[:90] and found.say(found.test[:1]) == [text[90:100]]
    assert found.say([[0, 2.0, 1]]) == ["a\n"]


def test_a_folder_is_its_texts_one_after_another(tmp_path):
    for name, said in ("b.md", "y" * 20), ("a.txt", "x" * 20), ("c.py", "zzz"):
        (tmp_path / name).write_text(said)
    found = characters(tmp_path, 2)
    assert found.say(found.x)[0] == "xx" and found.say(found.x)[-1] == "yy" and found.words == ("", "x", "y")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"abc", "3 characters, 3 different ones: expected 200"),
        (b"a" * 400, "400 characters, 1 different ones"),
        (b"\xff\xfe" * 400, "is no text in UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        characters(tmp_path / "a.txt", 10)


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(DataError, match="without a"):
        characters(tmp_path)


def test_the_oracle_is_the_published_recursion(tmp_path):
    """x W + h U + b for each gate, c = f c + i tanh, h = o tanh(c), logits h V + c, as the paper's code has it."""
    given = weights()
    np.savez(tmp_path / "oracle.npz", **given)
    oracle, x = load_oracle(tmp_path / "oracle.npz"), np.array([[3, 1, 6], [0, 5, 5]], "float32")
    h, c, expected = np.zeros((2, H)), np.zeros((2, H)), []
    for t in range(3):
        e = given["embedding"][before(x)[:, t].astype(int)]
        i, f, o, g = (e @ given[f"W{k}"] + h @ given[f"U{k}"] + given[f"b{k}"] for k in "ifoc")
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        h = sigma(o) * np.tanh(c)
        expected.append(h @ given["V"] + given["c"])
    assert np.allclose(oracle.forward(before(x)), np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"V": np.ones((H + 1, V), "float32")}, "do not fit each other"),
        ({"Wi": np.ones((E, H + 1), "float32")}, "do not fit each other"),
        ({"Ui": np.ones((H + 1, H), "float32")}, "do not fit each other"),
        ({"c": np.ones(V, int)}, "expected the weights of the oracle, floats"),
        ({"V": np.ones(V, "float32")}, "do not fit each other"),
        ({"bo": None}, "no array named 'bo'"),
    ],
)
def test_other_weights_are_refused(tmp_path, change, message):
    given = {name: a for name, a in (weights() | change).items() if a is not None}
    np.savez(tmp_path / "oracle.npz", **given)
    with pytest.raises(DataError, match=message):
        load_oracle(tmp_path / "oracle.npz")


def test_the_oracle_speaks_the_same_for_the_same_seed(tmp_path):
    np.savez(tmp_path / "oracle.npz", **weights())
    oracle = load_oracle(tmp_path / "oracle.npz")
    one, same, other = (spoken(oracle, "oracle.npz", 30, 4, seed) for seed in (0, 0, 1))
    assert one.x.shape == one.test.shape == (30, 4) and one.vocabulary == V and isinstance(one.oracle, Network)
    assert np.array_equal(one.x, same.x) and not np.array_equal(one.x, other.x) and not np.array_equal(one.x, one.test)
    assert one.identity == same.identity != other.identity and one.say([[3, 1]]) == ["3 1"]
