"""The figures of minigan/evaluation/protocol.py as a table for people: what each is worth stands beside it."""

from minigan.evaluation.parzen import CAVEAT, SIGMAS

PUBLISHED = (
    "published (Goodfellow et al. 2014): adversarial nets 225 ± 2, deep GSN 214 ± 1.1, DBN 138 ± 2, CAE 121 ± 1.6"
)
RECIPE = {  # means of the three runs of the recipe `default` over 40 epochs on MNIST, docs/recipes/results.json
    "parzen": 230.9, "frechet_distance": 2.98, "kernel_distance": 0.0232, "precision": 0.75, "recall": 0.80,
}  # fmt: skip
BETTER = {"frechet_distance": "less", "kernel_distance": "less", "precision": "more", "recall": "more"}


def table(result):
    """What was `measured` and how to read it, for people."""
    lines = [
        f"{result['count']:,} samples of {result['samples']} against {result['test_images']:,} test images of "
        f"{result['data']}",
        "",
        f"{'Parzen log-likelihood of the test images, nats: more is better':<64}{'mean':>9}{'SE':>7}{'sigma':>8}",
    ]
    for name, row in result["parzen"].items():
        edge = "  (the smallest tried)" if row["sigma"] == SIGMAS[0] else ""
        lines.append(f"  {name:<62}{row['mean']:9.1f}{row['standard_error']:7.1f}{row['sigma']:8.3f}{edge}")
    if result["data"] == "mnist":
        lines += [f"  {'recipe default, 40 epochs':<62}{RECIPE['parzen']:9.1f}", f"  {PUBLISHED}"]
    lines += [CAVEAT, ""]
    if "features" not in result:
        return "\n".join([*lines, f"{result['data']} has no labels: no classifier, and no measures in its features"])
    by_class = ["", *_by_class(result["by_class"])] if "by_class" in result else []
    return "\n".join([*lines, *_features(result), "", *_classes(result["classes"]), *by_class])


def _features(result):
    columns = dict(result["features"]) | ({"recipe default": RECIPE} if result["data"] == "mnist" else {})
    yield f"{'In the features of the classifier':<36}" + "".join(f"{name:>17}" for name in columns)
    for name, better in BETTER.items():
        shown = f"{name.replace('_', ' ').replace('frechet', 'Frechet')}, {better} is better"
        yield f"  {shown:<34}" + "".join(f"{column[name]:17.4f}" for column in columns.values())
    floor = columns["training images"]["frechet_distance"]
    times = [f"{name} {column['frechet_distance'] / floor:.1f}" for name, column in columns.items()]
    yield f"Frechet distance in units of that of training images: {', '.join(times)}."
    classifier = result["classifier"]
    yield (
        f"Compare with figures of the same classifier only: {classifier['sha256'][:12]}, which is right for "
        f"{classifier['accuracy']:.2%} of the test images."
    )


def _classes(classes):
    yield f"{'Share of each class, %':<24}" + "".join(f"{k:>6}" for k in range(len(classes["samples"])))
    for name, shares in classes.items():
        yield f"  {name:<22}" + "".join(f"{100 * share:6.1f}" for share in shares)


def _by_class(found):
    yield f"{'Drawn for each label asked for':<36}" + "".join(f"{k:>7}" for k in range(len(found["agreement"])))
    for name, words, scale in (
        ("agreement", "taken for it by the classifier, %", 100), ("judge", "  of test images, %", 100),
        ("frechet_distance", "Frechet distance", 1), ("floor", "  of training images", 1),
        ("diversity", "diversity, test images = 1", 1),
    ):  # fmt: skip
        yield f"  {words:<34}" + "".join(f"{scale * value:7.{1 if scale > 1 else 2}f}" for value in found[name])
