"""What a run would take, before anything of it is on a device: `gan_jax.main ... --dry_run`.

The program is compiled for the devices that there are, of shapes alone. FLOPs are XLA's count of
one round with every move in it (of loops inside a loss, one pass). The time is what the FLOPs take
at the rate of a large product on these very devices: no run is faster, and small networks are
several times slower.
"""

import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import assemble, population, program
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.accumulation import accumulated
from gan_jax.population import Member
from gan_jax.program import Parts
from gan_jax.progress import duration, quantity

SIDE = {'cpu': 1024}  # of the product that is timed; elsewhere OTHER
OTHER = 8192


class Costs(NamedTuple):
  """Of a run, or of all members of a population together."""

  nets: list[tuple[str, str, int]]  # (name, 'z 64x100 -> 64x28x28x1', weights)
  state: int  # bytes on each device
  data: int  # bytes of data on each device
  working: int  # bytes that XLA asks for besides, on each device
  devices: int
  flops: float  # of a round
  rounds: int


def costs(
  config: Mapping[str, Any],
  workdir: str | pathlib.Path,
  vary: Mapping[str, Iterable[float]] | None = None,
) -> Costs:
  """What the run, or population, would take; raises InputError as train.run does."""
  config = assemble.complete(config)
  members = population.members(config, pathlib.Path(workdir), vary)
  parts = program.build(config, members)
  state, own = _states(members, parts), population.own(members[0])
  seeds = [m.config['seed'] for m in members] if members[0].label else None
  feed = program.open_feed(
    parts.source, parts.plan, parts.way, config['resident_mb'], seeds, place=_shape_alone
  )
  inputs = feed.inputs(0)
  feed.close()
  owns = parts.way.join([population.own(member) for member in members])
  examples = (state, inputs, owns)
  call = program.compiled(parts, feed, examples)
  memory = call.memory_analysis()
  return Costs(
    nets=[_net(config, parts, name) for name in parts.games[0].nets],
    state=_on_each(state),
    data=_on_each(inputs),
    working=memory.temp_size_in_bytes if memory else 0,
    devices=parts.way.mesh.size,
    flops=len(members) * _flops(config, parts, own),
    rounds=config['rounds'],
  )


def lines(
  config: Mapping[str, Any],
  workdir: str | pathlib.Path,
  vary: Mapping[str, Iterable[float]] | None = None,
) -> Iterator[str]:
  """What the run would take, in words."""
  found = costs(config, workdir, vary)
  precision = assemble.complete(config)['precision']
  yield from told(found, rate(precision, found.devices))


def told(found: Costs, rate: float) -> Iterator[str]:
  """The lines that say so; `rate` in FLOP/s of all devices."""
  for name, shapes, weights in found.nets:
    yield f'{name:8} {shapes}, {quantity(weights)} weights'
  whole = found.state + found.data + found.working
  what = f'state {_bytes(found.state)}, data {_bytes(found.data)}, working {_bytes(found.working)}'
  many = f'each of {found.devices} devices' if found.devices > 1 else 'one device'
  yield f'memory   {_bytes(whole)} on {many}: {what}'
  total = found.flops * found.rounds
  yield f'round    {quantity(found.flops)}FLOP; {found.rounds:,} rounds {quantity(total)}FLOP'
  yield (
    f'time     {duration(total / rate)} at {quantity(rate)}FLOP/s, as a large product here; '
    'networks of small layers take several times that'
  )


def rate(precision: str, devices: int) -> float:
  """FLOP/s of a large product on so many devices, the best of five."""
  here = jax.devices()[0]
  n = SIDE.get(here.platform, OTHER)
  dtype = jnp.bfloat16 if precision == 'bfloat16' else jnp.float32
  product = jax.jit(lambda a: jnp.matmul(a, a, preferred_element_type=jnp.float32))
  a = jax.device_put(jnp.ones((n, n), dtype), here)
  spent = []
  for _ in range(6):
    began = time.perf_counter()
    product(a).block_until_ready()
    spent.append(time.perf_counter() - began)
  alone = 2 * n**3 / min(spent[1:])
  return alone if here.platform == 'cpu' else alone * devices  # CPU devices share the cores


def _shape_alone(shape: tuple[int, ...], dtype: Any, part: Any, sharding: Any) -> Any:
  """In place of `loader.placed`: nothing is read."""
  return jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)


def _states(members: list[Member], parts: Parts) -> Any:
  """The shapes of the program's state, and how it lies."""
  start = program.initialiser(parts.game, parts.way.one)
  own = population.own(members[0])
  one = jax.eval_shape(start, own.values, jax.random.key(0))
  lead = (len(members),) if members[0].label else ()
  put = lambda a: jax.ShapeDtypeStruct((*lead, *a.shape), a.dtype, sharding=parts.way.state)
  return jax.tree.map(put, one)


def _net(config: Mapping[str, Any], parts: Parts, name: str) -> tuple[str, str, int]:
  """(name, inputs -> outputs of a minibatch, weights)."""
  game, known, inputs = parts.games[0], parts.known, config['nets'][name]['inputs']
  prior = configs.build(config['prior'], 'priors')
  shapes = {n: (shape, dtype) for n, (shape, dtype) in known.columns.items()}
  if prior:
    z = jax.eval_shape(lambda key: prior(key, 1), jax.random.key(0))
    shapes['z'] = z.shape[1:], z.dtype
  given = [jax.ShapeDtypeStruct((parts.plan.batch, *shapes[i][0]), shapes[i][1]) for i in inputs]
  params = jax.eval_shape(game.nets[name].init, jax.random.key(0))
  out = jax.eval_shape(game.nets[name].apply, params, *given)
  words = ', '.join(f'{i} {_shape(a)}' for i, a in zip(inputs, given, strict=True))
  made = ', '.join(_shape(a) for a in jax.tree.leaves(out))
  count = sum(int(np.prod(a.shape)) for a in jax.tree.leaves(params))
  return name, f'{words} -> {made}', count


def _flops(config: Mapping[str, Any], parts: Parts, own: population.Own) -> float:
  """Of one member's round, each of its moves counted."""
  moves, options = assemble.play(accumulated(config))
  unrolled = {'unroll': True} if moves is steps.alternating else {}
  game = parts.games[0]
  shape = lambda entry: (parts.plan.k, parts.plan.batch, *entry[0])
  batches = {
    n: jax.ShapeDtypeStruct(shape(entry), entry[1]) for n, entry in parts.known.columns.items()
  }
  state = jax.eval_shape(lambda key: steps.init(game, key), jax.random.key(0))
  play: Callable = moves(game, **options, **unrolled)
  cost = jax.jit(play).lower(state, batches, own.key).cost_analysis()
  return float((cost or {}).get('flops', 0.0))


def _on_each(tree: Any) -> int:
  """Bytes on each device."""
  part = lambda a: int(np.prod(a.sharding.shard_shape(a.shape))) * _width(a.dtype)
  return sum(part(a) for a in jax.tree.leaves(tree))


def _width(dtype: Any) -> int:
  return 8 if jnp.issubdtype(dtype, jax.dtypes.prng_key) else np.dtype(dtype).itemsize


def _bytes(count: float) -> str:
  return f'{quantity(count)}B'


def _shape(a: Any) -> str:
  return 'x'.join(map(str, a.shape))
