"""The house: every file in reading order, and which of them are the core that a newcomer reads.

    python -m minigan.house

prints the rooms, what each uses of the others, and the lines of the core, counting everything that it imports. A file
imports only from files above it, so there are no circles; tests/house/test_architecture.py compares the source with
this table, and the list in docs/files.md is made from it. What a file is for is the first sentence of its docstring.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
TABLE = """
* backend/arrays
* backend/checks
* backend/plain
* backend/kernels
* backend/generators
* backend/batch
  backend/moments
  backend/pairs
  backend/threads
  backend/compiled
  backend/compiled_images
  backend/switch
  backend/share

* layers/layer
* layers/initializers
* layers/dense
* layers/activations
  layers/normalization
  layers/noise
  layers/maxout
  layers/winograd
  layers/convolution
  layers/resampling
  layers/recurrent
  layers/sequences
  layers/bidirectional
  layers/embedding
  layers/condition
  layers/spectral
  layers/reshaping

* losses

* network

* optimizers/rules
  optimizers/schedules
  optimizers/averaging
  optimizers/clipping

* objectives/minimax
  objectives/others
  objectives/auxiliary
  objectives/jvp
  objectives/penalties
  objectives/tokens

* gan

* gradcheck/measure
* gradcheck/compare
  gradcheck/second_look
  gradcheck/state
  gradcheck/observe
  gradcheck/hypotheses
  gradcheck/diagnose
  gradcheck/check
  gradcheck/game
  gradcheck/second_order

  data/files
  data/idx
  data/npz
  data/sealed
  data/dataset
  data/digits
  data/mnist
  data/load
  data/stacked
  data/toys
  data/sequences
  data/text

  evaluation/metrics
  evaluation/parzen
  evaluation/classifier
  evaluation/modes
  evaluation/stacked
  evaluation/judge
  evaluation/conditional
  evaluation/sequences
  evaluation/text
  evaluation/protocol
  evaluation/report

  plots/style
  plots/words
  plots/figures
  plots/page
  plots/run_page
  plots/pictures
  plots/toys
  plots/sequences
  plots/text
  plots/laboratory

  training/advice
  training/guard
  training/description
  training/former
  training/checkpoint
  training/course
  training/training
  training/distributed
  training/text
  training/recipes

  app/reports
  app/cli
  app/run_directory
  app/saved
  app/train
  app/watched
  app/machines
  app/program
  app/__init__
  app/doctor

  house
"""  # * is the core
ORDER = re.findall(r"\w[\w/]*", TABLE)
CORE = re.findall(r"\* ([\w/]+)", TABLE)


def room(name):
    """The room that a file is in: layers/dense is in layers, and gan.py is a room by itself."""
    return name.partition("/")[0]


ROOMS = {here: [name for name in ORDER if room(name) == here] for here in map(room, ORDER) if here != "house"}


def main():
    """Print the house; returns 1 if something in it is wrong, else 0."""
    if found := list(complaints()):
        print(*found, sep="\n")
        return 1
    arrows = 0
    for here, files in ROOMS.items():
        used = {room(other) for name in files for other in imports(name)} - {here}
        arrows += len(used)
        print(
            f"{here}  {total(files)} lines, uses {', '.join(here for here in ROOMS if here in used) or 'no other room'}"
        )
        for name in files:
            print(f"  {'*' if name in CORE else ' '} {name}.py, {lines(name)}: {purpose(name)}")
    longest = max(ORDER, key=lines)
    print(f"\n{len(ROOMS)} rooms and {arrows} arrows between them, none upwards; no circle among the files")
    print(f"{len(ORDER)} files, {total(ORDER)} lines; the longest is {longest}.py, {lines(longest)}")
    print(f"the core (*) and all that it imports: {len(CORE)} files, {total(CORE)} lines")
    return 0


def complaints():
    """What is wrong, in sentences: a file without a place, an import from below, an incomplete core."""
    there = {str(path.relative_to(PACKAGE).with_suffix("")) for path in PACKAGE.rglob("*.py")}
    fronts = {name for name in there if name.endswith("__init__") and _hands_on(parsed(name))}
    for name in sorted(there - fronts - set(ORDER)):
        yield f"{name}.py has no place in the table of minigan/house.py"
    for name in sorted(set(ORDER) - there):
        yield f"{name}.py stands in the table of minigan/house.py, and is not there"
    for name in sorted(there & set(ORDER), key=ORDER.index):
        for other in sorted(imports(name)):
            if other not in ORDER or ORDER.index(other) >= ORDER.index(name):
                yield f"{name}.py imports from {other}.py, which does not stand above it"
    for name in closure(CORE):
        if name not in CORE:
            yield f"the core imports {name}.py, which is not of the core"


def lines(name):
    """How many lines the file has, blank ones and docstrings included."""
    return (PACKAGE / f"{name}.py").read_text(encoding="utf-8").count("\n")


def total(names):
    """The lines of these files together, in words: "1,234"."""
    return f"{sum(map(lines, names)):,}"


def purpose(name):
    """The first sentence of the file's docstring."""
    paragraph = ast.get_docstring(parsed(name)).partition("\n\n")[0]
    return re.match(r".+?(?:(?<! al)[.?!](?=\s|$)|$)", " ".join(paragraph.split()))[0]


_parse = cache(ast.parse)


def parsed(name):
    """The file's syntax tree."""
    return _parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))


def closure(names):
    """These files, what they import, what that imports, and so on."""
    found, new = set(), set(names)
    while new:
        found |= new
        new = {other for name in new for other in imports(name)} - found
    return sorted(found)


def imports(name, tree=None):
    """The files that define what this one imports, wherever in it: `from minigan.layers import Dense`, layers/dense.

    An import from a package's `__init__` counts as an import of the file that defines the name. A file that imports
    from the `__init__` of its own package closes a circle, and counts as importing that `__init__`.
    """
    found = set()
    for node in ast.walk(tree or parsed(name)):
        if isinstance(node, ast.Import):
            wanted = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            wanted = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, attribute in wanted:
            root, *inside = module.split(".")
            if root == "minigan":
                found |= _defining("/".join(inside), attribute, name)
    return found


def _defining(module, attribute, reader):
    """The files that define `attribute` of a module; for a package as a whole, those of all names in its `__init__`."""
    if (PACKAGE / f"{module}.py").is_file():
        return {module}
    front, below = f"{module}/__init__".lstrip("/"), f"{module}/{attribute}".lstrip("/")
    if (PACKAGE / f"{below}.py").is_file():
        return {below}
    if (PACKAGE / below).is_dir():
        return _defining(below, None, reader)
    if f"{reader}/".startswith(f"{module}/".lstrip("/")):
        return {front}
    found = set()
    for node in parsed(front).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if attribute in (None, alias.asname or alias.name):
                    root, *inside = node.module.split(".")
                    found |= _defining("/".join(inside), alias.name, reader) if root == "minigan" else set()
    return found or {front}


def _hands_on(tree):
    """Whether an `__init__` holds only a docstring, imports and names such as `__all__`."""
    return all(
        isinstance(node, ast.Expr | ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("__"))
        for node in tree.body
    )


if __name__ == "__main__":
    sys.exit(main())
