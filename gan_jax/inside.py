"""What is inside a network as it is applied: its layers, seen and changed from without.

No network knows of this. Linen says of every module's call, through whatever wraps it, what goes in
and what comes out (`flax.linen.intercept_methods`); from that, on a few examples, `find` makes out
which of them are layers. What `seen` and `changed` return are functions of JAX arrays: jit and
differentiate these. A function that was jitted before would not be looked into twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.game import Array


class Layer(NamedTuple):
  """A module whose output is not just handed to the next: of Conv and BatchNorm, the BatchNorm.

  name:   the module's path, 'Up_1/Conv_0'; of its second call 'Conv_0:1'.
  kind:   its class, 'BatchNorm'.
  shape:  of what it returns, of one example: (H,W,C) of maps, (U,) of units.
  onward: the calls that its activation goes into: none if that cannot be told.
  """

  name: str
  kind: str
  shape: tuple[int, ...]
  onward: tuple[str, ...] = ()


class Value(NamedTuple):
  """What a layer returns, f32[B,...], and its activation, of the same shape.

  Both are the same if its activation is pooled or added to something before the next module.
  """

  before: Array
  after: Array


class _Call(NamedTuple):
  """A module's call: its first input, if it is an array, and its output."""

  name: str
  kind: str
  given: Any
  made: Any


Take = Callable[[str, Any], Any]  # (name of the call, first input) -> the input it is to have
Make = Callable[[str, str, Any, Any], Any]  # (name, class, first input, output) -> the output


def find(function: Callable, *inputs: Any) -> tuple[Layer, ...]:
  """The layers that function(*inputs) goes through, in order.

  `function` applies Linen modules and is not jitted; a few examples of its inputs do. What a layer
  returns and what a later module is given are told to be the same by their values. An activation is
  what a later module is given that has as many entries and never falls where the layer's output
  rises, as of ReLU, leaky ReLU, tanh and sigmoid. Raises InputError where there is no module.
  """
  return tuple(_layers(_leaves(function, *inputs)))


def first(function: Callable, *inputs: Any) -> Layer:
  """The first module that makes something of them, whether or not a norm follows; see `find`."""
  call = _leaves(function, *inputs)[0]
  return Layer(call.name, call.kind, call.made.shape[1:])


def maps(layers: Sequence[Layer]) -> tuple[Layer, ...]:
  """Those that return maps f32[B,H,W,C] of more than one position."""
  return tuple(each for each in layers if len(each.shape) == 3 and max(each.shape[:2]) > 1)


def named(layers: Sequence[Layer], name: str) -> Layer:
  """The one of that name; InputError if there is none, which says what there is."""
  for layer in layers:
    if layer.name == name:
      return layer
  there = ', '.join(f'{layer.name} {layer.shape}' for layer in layers)
  raise InputError(f'this network has no layer {name!r}; it has {there}.')


def seen(function: Callable, layers: Sequence[Layer]) -> Callable[..., tuple[Value, ...]]:
  """(*inputs) -> the value of each of these layers of the function.

  Of a function that is `changed`, what layers return is as changed there, and activations are as
  they are before a change of their own.
  """

  def values(*inputs: Any) -> tuple[Value, ...]:
    made: dict[str, Any] = {}
    given: dict[str, Any] = {}

    def take(name: str, x: Any) -> Any:
      return given.setdefault(name, x)

    def make(name: str, kind: str, x: Any, y: Any) -> Any:
      return made.setdefault(name, y)

    with _watching(take, make):
      function(*inputs)
    return tuple(
      Value(y := made[layer.name], given[layer.onward[0]].reshape(y.shape) if layer.onward else y)
      for layer in layers
    )

  return values


def changed(
  function: Callable,
  layers: Sequence[Layer],
  change: Callable[[Array], Array],
  *,
  after: bool = False,
) -> Callable:
  """The function with `change` applied to what each of these layers returns, f32[B,...].

  With after=True it is applied to the activation, wherever that goes, in the layer's shape; of a
  layer whose activation is not known, to what it returns.
  """
  of = {name: layer for layer in layers for name in layer.onward if after}
  there = {layer.name for layer in layers if not (after and layer.onward)}

  def take(name: str, x: Any) -> Any:
    return change(x.reshape(-1, *of[name].shape)).reshape(x.shape) if name in of else x

  def make(name: str, kind: str, x: Any, y: Any) -> Any:
    return change(y) if name in there else y

  def otherwise(*inputs: Any, **options: Any) -> Any:
    with _watching(take, make):
      return function(*inputs, **options)

  return otherwise


def _watching(
  take: Take = lambda name, x: x, make: Make = lambda name, kind, x, y: y
) -> AbstractContextManager:
  """Within it each module's call is given what `take` makes of its first input, and so returns."""
  count: Counter[str] = Counter()
  within: list[str] = []

  def interceptor(call: Callable, args: Any, kwargs: Any, context: Any) -> Any:
    path = '/'.join(context.module.path)
    if context.method_name != '__call__' or within[-1:] == [path]:  # or it is its super's
      return call(*args, **kwargs)
    name = f'{path}:{count[path]}' if count[path] else path
    count[path] += 1
    within.append(path)
    try:
      x = take(name, args[0]) if args else None
      y = call(*(x, *args[1:]) if args else (), **kwargs)
    finally:
      within.pop()
    return make(name, type(context.module).__name__, x, y)

  return nn.intercept_methods(interceptor)


def _leaves(function: Callable, *inputs: Any) -> list[_Call]:
  """The calls of modules without parts that make something of what they are given, in order."""
  told: list[tuple[str, str]] = []

  def recorded(*inputs: Any) -> list[tuple[Any, Any]]:
    calls: list[_Call] = []

    def make(*call: Any) -> Any:
      calls.append(_Call(*call))
      return call[-1]

    with _watching(make=make):
      function(*inputs)
    told[:] = [call[:2] for call in calls]
    return [(_as_array(call.given), _as_array(call.made)) for call in calls]

  values = jax.tree.map(np.asarray, jax.jit(recorded)(*inputs))
  calls = [_Call(*names, *arrays) for names, arrays in zip(told, values, strict=True)]
  leaves = [c for c in calls if c.made is not None and not _alike(c.given, c.made)
            and not _has_parts(c, calls)]  # fmt: skip
  if not leaves:
    raise InputError('there is no layer to see: this network has no Linen modules.')
  return leaves


def _layers(leaves: Sequence[_Call]) -> Iterator[Layer]:
  """Those of the calls whose output is not simply given to a later one."""
  for i, call in enumerate(leaves):
    later = leaves[i + 1 :]
    if any(_alike(c.given, call.made) for c in later):
      continue
    first = next((c for c in later if _rises(call.made, c.given)), None)
    onward = tuple(c.name for c in later if first and _alike(c.given, first.given))
    yield Layer(call.name, call.kind, call.made.shape[1:], onward)


def _alike(x: np.ndarray | None, y: np.ndarray | None) -> bool:
  """Whether both are the same numbers in the same order, in whatever shape."""
  return x is not None and y is not None and np.array_equal(x.ravel(), y.ravel())


def _rises(x: np.ndarray, y: np.ndarray | None) -> bool:
  """Whether y, entry by entry, never falls as x rises, and is not the same everywhere."""
  if y is None or x.size != y.size:
    return False
  line = y.ravel()[np.argsort(x, axis=None, kind='stable')]
  least = -1e-6 * np.abs(line).max()  # tanh and the like are approximations
  return bool(line[0] < line[-1] and np.all(np.diff(line) >= least))


def _has_parts(call: _Call, calls: Sequence[_Call]) -> bool:
  path = call.name.partition(':')[0]
  below = path + '/' if path else ''
  return any(c.name.startswith(below) and c.name.partition(':')[0] != path for c in calls)


def _as_array(x: Any) -> Array | None:
  """Numbers f32[B,...] as they are; None for labels, dicts and what else is handed about."""
  floats = isinstance(x, jax.Array) and x.ndim > 1 and jnp.issubdtype(x.dtype, jnp.floating)
  return x.astype(jnp.float32) if floats else None
