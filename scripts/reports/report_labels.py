"""Write what scripts/augment.py measured into the page of the course on conditions.

The cells in FILES, its --json, are added to those in --kept, where they replace older ones of the same name; without
FILES, the page is made from what is kept. A run that was trained on must still be where it was: its recipe, epochs and
seed are its name.
"""

import json
import runpy
import sys
from pathlib import Path

from minigan.app.cli import Parser
from minigan.app.reports import replace_block
from minigan.app.run_directory import CHECKPOINT
from minigan.data.files import read_rows, replacing
from minigan.training import checkpoint

ROOT = Path(__file__).resolve().parents[2]
AUGMENT = runpy.run_path(str(ROOT / "scripts" / "augment.py"))
KEY, COLUMNS = AUGMENT["KEY"], AUGMENT["COLUMNS"]


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILES", help="what augment.py wrote with --json")
    parser.add_argument("--kept", type=Path, default=ROOT / "docs" / "course" / "labels.jsonl")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "course" / "18-conditions.md")
    args = parser.parse_args(argv)
    with parser.mistakes():
        rows = read_rows(args.kept, COLUMNS)
        for path in args.files:
            if not path.is_file():
                raise ValueError(f"{path}: there is no such file")
            rows += map(named, read_rows(path, COLUMNS))
        held = {tuple(row[name] for name in KEY): row for row in rows}
        rows = sorted(held.values(), key=lambda row: (row["source"], row["labels"] or 0, row["seed"]))
        page = args.page.read_text(encoding="utf-8")
        for name, content in tables(rows).items():
            page = replace_block(page, name, content)
        with replacing(args.kept, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        with replacing(args.page, "w", encoding="utf-8") as file:
            file.write(page)
    return 0


def named(row):
    """The cell with its run's recipe, epochs and seed for its path."""
    if row["labels"] is not None:
        return row
    path = Path(row["source"])
    _, meta = checkpoint.read(path / CHECKPOINT if path.is_dir() else path)
    config, rounds = meta["config"], meta["generator"]["steps"]
    if row["rounds"] not in (None, rounds):
        raise ValueError(
            f"{path}: the run has {rounds} rounds now, and {row['rounds']} when it was measured: measure it anew"
        )
    name = f"{config['recipe']}, {len(meta['history'])} epochs, seed {config['seed']}"
    return row | {"source": name, "rounds": rounds}


def tables(rows):
    """{block of the page: its table}, of what there is."""
    parts = {name: [row for row in rows if row["source"] == name] for name in ("digits", "mnist")}
    parts["many"] = [row for row in rows if row["labels"] is None]
    return {name: AUGMENT["table"](part) for name, part in parts.items() if part}


if __name__ == "__main__":
    sys.exit(main())
