"""Make minigan/data/digits.npz from scikit-learn's load_digits: run once; the file is part of the package.

The images are the test part of "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998,
UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licensed CC BY 4.0. The float64 values 0 to
16 are stored as uint8; nothing else changes. The same scikit-learn, NumPy and zlib give the same bytes.

It needs scikit-learn, which minigan itself does not: pip install scikit-learn
"""

import argparse
from pathlib import Path

import numpy

TARGET = Path(__file__).resolve().parents[1] / "minigan" / "data" / "digits.npz"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=TARGET, help="the file to write (default: %(default)s)")
    out = parser.parse_args().out
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise SystemExit(f"make_digits needs scikit-learn ({error}): pip install scikit-learn") from error
    data = load_digits()
    numpy.savez_compressed(out, images=data.images.astype("uint8"), labels=data.target.astype("uint8"))
    print(f"{out}: {len(data.images)} images, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
