"""What the scripts share: the command line, the directory of a run, and `fit`, which trains a game of your own."""


def __getattr__(name):
    if name == "fit":  # not before it is asked for: it imports matplotlib, which the doctor does without
        from minigan.app.train import fit

        return fit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
