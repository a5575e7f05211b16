"""A device for machines without one: NumPy's arithmetic behind CuPy's refusals, with everything that costs counted.

The tests switch `xp` to this module as they would to CuPy. Its array is a wrapper and no `numpy.ndarray`, so that
nothing slips through. It refuses what CuPy 14 refuses, in CuPy's words where it has some: implicit conversion to NumPy,
host arrays and lists among device arrays, assignment from the host, `errstate` and the other names that CuPy lacks.
Reductions and single elements are arrays of shape (), not numbers. In one place it is stricter: CuPy lets `np.exp(x)`
through to the device, at a price; here that is an error. `test_standin.py` holds its names against the real CuPy.

    with standin.counted() as seen: ...
    seen.launches       what would start a kernel or a copy on the device
    seen.syncs          what makes the host wait: float(a), a.item(), if a, f"{a}", a.get(), a[mask], ...
    seen.uploads        what brings host data to the device: asarray(host), a[host index], ...
    seen.allocations    the bytes of each new array

It cannot see inside CuPy's own calls (workspaces, states of random generators), nor tell how long anything takes.
"""

import contextlib
import dataclasses
import types

import numpy

__version__ = "14, a stand-in"
MISSING = frozenset(
    "asmatrix block bmat busday_count busday_offset busdaycalendar char core ctypeslib datetime64 datetime_as_string "
    "datetime_data dtypes einsum_path emath errstate f2py frompyfunc fromregex geomspace getbufsize geterr geterrcall "
    "histogram_bin_edges info insert is_busday isnat longdouble ma matrix matvec memmap nanpercentile nanquantile "
    "ndenumerate nditer nested_iters object_ polyder polydiv polyint rec recarray record setbufsize seterr seterrcall "
    "spacing str_ strings timedelta64 unstack vecdot vecmat void bytes_ character clongdouble complex256 flexible "
    "float128 get_include show_runtime test".split()
)
BEYOND = frozenset({"fft", "polynomial", "random", "testing"})  # modules of CuPy that minigan does not use
UPLOADING = frozenset({"array", "asarray", "ascontiguousarray", "take"})  # functions that take host data, at a price
FREE = frozenset(
    "empty empty_like reshape ravel squeeze swapaxes transpose broadcast_to diagonal may_share_memory shares_memory "
    "result_type can_cast".split()
)  # no launch, unless what they return had to be copied
METHODS = (
    "all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot max mean min prod ravel repeat "
    "reshape round sort squeeze std sum swapaxes take trace transpose var view"
).split()
ANSWERS = frozenset({"array_equal", "allclose"})  # numbers in NumPy, arrays of shape () in CuPy


@dataclasses.dataclass
class Counts:
    """What a block of code cost: the names of the calls, and the bytes of each allocation."""

    launches: list = dataclasses.field(default_factory=list)
    syncs: list = dataclasses.field(default_factory=list)
    uploads: list = dataclasses.field(default_factory=list)
    allocations: list = dataclasses.field(default_factory=list)


_watching = []


@contextlib.contextmanager
def counted():
    """The `Counts` of the block, growing while it runs."""
    seen = Counts()
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching[:] = [other for other in _watching if other is not seen]


def as_one_launch(function):
    """The function as a fused kernel would be: what it does inside is not counted."""

    def call(*args, **kwargs):
        outside, _watching[:] = _watching[:], []
        try:
            return function(*args, **kwargs)
        finally:
            _watching[:] = outside
            _note("launches", function.__name__)

    return call


def _note(kind, what):
    for seen in _watching:
        getattr(seen, kind).append(what)


def _inner(a, name="", uploads=False):
    """What NumPy computes with: the array inside, several of them, or a plain argument. Host data are refused."""
    if isinstance(a, ndarray):
        return a._host
    if isinstance(a, list | tuple) and a and all(isinstance(item, ndarray) for item in a):
        return [item._host for item in a]
    if isinstance(a, numpy.ndarray | list) or (
        isinstance(a, tuple) and not all(isinstance(i, int | numpy.integer) for i in a)
    ):
        if not uploads:
            raise TypeError(f"Unsupported type {type(a)}")
        _note("uploads", name)
    return a


def _outer(result, name, sources):
    """A result of NumPy's as it would lie on the device, counted as a launch and an allocation unless it is a view."""
    if isinstance(result, tuple | list):
        return type(result)(_outer(item, name, sources) for item in result)
    if name in ANSWERS:
        result = numpy.bool_(result)
    if not isinstance(result, numpy.ndarray | numpy.generic):
        return result
    device = ndarray.__new__(ndarray)
    device._host = numpy.asarray(result)
    new = not any(isinstance(a, numpy.ndarray) and numpy.may_share_memory(a, device._host) for a in sources)
    if new:
        _note("allocations", device.nbytes)
    if name not in FREE or (new and not name.startswith("empty")):
        _note("launches", name)
    return device


def _call(name, function, args, kwargs):
    out = kwargs.get("out")
    if out is not None and not isinstance(out, ndarray):
        raise TypeError(f"Unsupported type {type(out)} for out")
    args = [_inner(a, name, uploads=name in UPLOADING) for a in args]
    result = function(*args, **{key: _inner(a) for key, a in kwargs.items()})
    if out is not None or result is None:
        _note("launches", name)
        return out
    sources = [a for arg in args for a in (arg if isinstance(arg, list) else [arg])]
    return _outer(result, name, sources)


def _ufunc(name, function):
    def call(*args, out=None, dtype=None, **kwargs):
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        for a in args:
            if not isinstance(a, ndarray | bool | int | float | complex | numpy.generic):
                raise TypeError(f"Unsupported type {type(a)}")
        if len(args) > function.nin:  # the last one is out
            *args, out = args
        return _call(name, function, args, {"out": out, "dtype": dtype})

    call.__name__ = name
    call.at = lambda a, index, b: _call(f"{name}.at", function.at, (a, index, b), {})
    return call


def __getattr__(name):
    if name in MISSING or name in BEYOND or not hasattr(numpy, name):
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    value = getattr(numpy, name)
    if isinstance(value, numpy.ufunc):
        return _ufunc(name, value)
    if isinstance(value, type) or not callable(value):
        return value
    return lambda *args, **kwargs: _call(name, value, args, kwargs)


def is_available():
    """Whether there is a device. There always is."""
    return True


def asarray(a, dtype=None):
    """`a` itself where it is an array on the device, of this dtype; else an upload or a conversion."""
    if isinstance(a, ndarray):
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)
    return array(a, dtype=dtype)


def array(a, dtype=None, copy=True):
    """A new array on the device."""
    if isinstance(a, ndarray):
        return a.astype(dtype or a.dtype)
    _note("uploads", "array")
    return _outer(numpy.array(a, dtype=dtype), "array", [])


def where(condition, *chosen):
    """Without values to choose from, the number of results has to be known first: the host waits."""
    if not chosen:
        _note("syncs", "where")
    return _call("where", numpy.where, (condition, *chosen), {})


class ndarray:
    """An array on the device. What is not defined here, CuPy has not, or minigan does not need."""

    __slots__ = ("_host",)
    __array_ufunc__ = None  # numpy.exp(a) raises, and in host + a it is this side that is asked
    __hash__ = None

    def __init__(self, shape, dtype=float):
        self._host = numpy.empty(shape, dtype)
        _note("allocations", self.nbytes)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_function__(self, function, *_):
        raise TypeError(f"numpy.{function.__name__} of a device array: use xp.{function.__name__}")

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    T = property(lambda self: self.transpose())
    real = property(lambda self: _outer(self._host.real, "reshape", [self._host]))
    imag = property(lambda self: _outer(self._host.imag, "reshape", [self._host]))

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        key = _key(key)
        arrays = [k for k in key if isinstance(k, numpy.ndarray)]
        if any(k.dtype == bool for k in arrays):
            _note("syncs", "a[mask]")
        name = "a[index]" if arrays else "reshape"
        key = key if arrays or Ellipsis in key else (*key, ...)  # one element is a view of shape ()
        return _outer(self._host[key], name, [self._host])

    def __setitem__(self, key, value):
        key = _key(key)
        if isinstance(value, numpy.ndarray | list | tuple):
            if any(isinstance(k, numpy.ndarray) for k in key):
                _note("uploads", "a[index] = host")
            elif not isinstance(value, numpy.ndarray) or value.shape != ():
                raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._host[key] = value._host if isinstance(value, ndarray) else value
        _note("launches", "a[...] =")

    def get(self, stream=None, order="C", out=None, blocking=True):
        """On the host: a new array, or `out`."""
        _note("syncs", "get")
        if out is None:
            return self._host.copy()
        out[...] = self._host
        return out

    def set(self, a):
        """Take the numbers of an array on the host."""
        _note("uploads", "set")
        self._host[...] = a

    def nonzero(self):
        """Their number has to be known first: the host waits."""
        _note("syncs", "nonzero")
        return _call("nonzero", numpy.nonzero, (self,), {})

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return array, (self.get(),)


def _key(key):
    """A key of plain indices, slices and NumPy arrays, with uploads counted."""
    plain = []
    for k in key if isinstance(key, tuple) else (key,):
        if isinstance(k, numpy.ndarray | list):
            _note("uploads", "a[host index]")
            k = numpy.asarray(k)
        elif isinstance(k, slice) and any(isinstance(end, ndarray) for end in (k.start, k.stop, k.step)):
            raise TypeError("slice indices must be integers")
        plain.append(k._host if isinstance(k, ndarray) else k)
    return tuple(plain)


def _method(name):
    def method(self, *args, **kwargs):
        if name == "astype" and not kwargs.get("copy", True) and self.dtype == args[0]:
            return self
        return _call(name, getattr(numpy.ndarray, name), (self, *args), kwargs)

    return method


def _operator(function, swap=False):
    def operate(self, other):
        return function(other, self) if swap else function(self, other)

    return operate


def _wait(read, what):
    def wait(self, *args):
        _note("syncs", what)
        return read(self._host, *args)

    return wait


for _name in METHODS:
    setattr(ndarray, _name, _method(_name))
for _name, _function in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor",
}.items():  # fmt: skip
    _compute = __getattr__(_function)
    setattr(ndarray, f"__{_name}__", _operator(_compute))
    setattr(ndarray, f"__r{_name}__", _operator(_compute, swap=True))
    if _name != "matmul":  # which CuPy has not in place
        setattr(ndarray, f"__i{_name}__", lambda self, other, f=_compute: f(self, other, out=self))
for _name, _function in {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_name}__", _operator(__getattr__(_function)))
for _name, _function in {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
    setattr(ndarray, f"__{_name}__", lambda self, f=__getattr__(_function): f(self))
for _name, _read in {
    "__bool__": bool, "__float__": float, "__int__": int, "__complex__": complex, "__repr__": repr, "__str__": str,
    "__format__": format, "item": numpy.ndarray.item, "tolist": numpy.ndarray.tolist, "tobytes": numpy.ndarray.tobytes,
}.items():  # fmt: skip
    setattr(ndarray, _name, _wait(_read, _name))


class BitGenerator:
    """A stream of random bits, not CuPy's own but as repeatable."""

    def __init__(self, seed=None, *, size=-1):
        self.host = numpy.random.default_rng(seed)


class Generator:
    """Draws on the device: the few methods that CuPy's has in common with NumPy's and that minigan may use."""

    def __init__(self, bit_generator):
        self._host = bit_generator.host

    def standard_normal(self, size=None, dtype=numpy.float64, out=None):
        """N(0, 1)."""
        return _call("standard_normal", self._host.standard_normal, (), {"size": size, "dtype": dtype, "out": out})

    def random(self, size=None, dtype=numpy.float64, out=None):
        """U[0, 1)."""
        return _call("random", self._host.random, (), {"size": size, "dtype": dtype, "out": out})

    def uniform(self, low=0.0, high=1.0, size=None):
        """U[low, high)."""
        return _call("uniform", self._host.uniform, (low, high, size), {})

    def integers(self, low, high=None, size=None):
        """Whole numbers from low to high - 1."""
        return _call("integers", self._host.integers, (low, high, size), {})


def _default_rng(seed=None):
    return Generator(BitGenerator(seed))


linalg = types.SimpleNamespace(
    svd=lambda a, **kwargs: _call("svd", lambda *args, **kw: tuple(numpy.linalg.svd(*args, **kw)), [a], kwargs)
)
random = types.SimpleNamespace(Generator=Generator, Philox4x3210=BitGenerator, default_rng=_default_rng)
