"""Do the parts fit together? What a Network and a GAN refuse when they are built, and in which words."""

from minigan.activations import Sigmoid


def check_chain(layers):
    """(width in, width out) of a chain of layers: None for any, a tuple for a shape.

    Raises ValueError, naming the layer, where there is none, where one does not fit the one before it, and where one
    is used elsewhere already.
    """
    if not layers:
        raise ValueError("a Network needs at least one layer")
    first = width = None
    for i, layer in enumerate(layers):
        if any(layer is other for other in layers[:i]):
            raise ValueError(
                f"layer {i}, {layer!r}, is already in the chain: "
                "each layer remembers one forward pass, so make a new one for each place"
            )
        if any(name in vars(layer) for name in layer.params):
            raise ValueError(
                f"layer {i}, {layer!r}, already belongs to a Network: "
                "its parameters are views into one theta, so make a new layer (or copy with network.astype)"
            )
        if layer.n_in is None:
            continue
        if width is not None and layer.n_in != width:
            raise ValueError(f"layer {i}, {layer!r}, expects width {layer.n_in} but gets width {width}")
        first, width = first or layer.n_in, layer.n_out
    return first, width


def check_players(G, D, objective):
    """How many samples D judges at a time: 1, unless it is that many times as wide as a sample ("packing").

    Raises ValueError where G, D and the objective do not fit together.
    """
    if G is D or any(layer in D.layers for layer in G.layers):
        raise ValueError("generator and discriminator share layers: each player needs a theta of its own")
    for player, network in ("generator", G), ("discriminator", D):
        if network.n_in is None:
            raise ValueError(f"the {player}, {network!r}, has no parameters to learn: it needs a Dense layer")
    pack = D.n_in // G.n_out if isinstance(G.n_out, int) and isinstance(D.n_in, int) else 1
    if D.n_in != pack * G.n_out:
        raise ValueError(f"the generator gives {G.n_out} values, but the discriminator takes {D.n_in}")
    if G.dtype != D.dtype:
        raise ValueError(f"the generator is {G.dtype}, but the discriminator is {D.dtype}: both need one dtype")
    if D.n_out != 1:
        raise ValueError(f"the discriminator gives {D.n_out} values for each sample: it must give one")
    name, ends_in_sigmoid = type(objective).__name__, isinstance(D.layers[-1], Sigmoid)
    if ends_in_sigmoid and objective.output != "probability":
        raise ValueError(
            f"the discriminator ends in a Sigmoid, but {objective!r} expects a logit and would apply a second one: "
            f'drop the last layer, or use {name}(output="probability")'
        )
    if objective.output == "probability" and not ends_in_sigmoid:
        raise ValueError(
            f"{objective!r} expects a probability, but the discriminator does not end in a Sigmoid: "
            f"add Sigmoid() as its last layer, or use {name}()"
        )
    return pack
