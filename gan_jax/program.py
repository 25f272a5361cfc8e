"""The program: from a config to the one compiled call that plays a run, or a population of runs."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import assemble, hosts, loop, parallel, population
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.accumulation import accumulated
from gan_jax.data import loader
from gan_jax.data.source import Source
from gan_jax.data.transforms import Transform
from gan_jax.errors import InputError
from gan_jax.population import Member, Own, Values
from gan_jax.progress import quantity
from gan_jax.step import Game, TrainState


class Parts(NamedTuple):
  """What a config stands for, put together and checked before anything is written."""

  source: Source
  seen: Transform
  known: assemble.Facts
  examples: dict[str, np.ndarray]  # of what G takes besides z and label
  games: list[Game]  # of each member
  game: Callable[[Values], Game]  # of one of which the values that vary are given, or traced
  step: Callable[[Values], steps.Step]
  way: parallel.Way
  plan: loader.Plan


def build(config: Mapping[str, Any], members: Sequence[Member]) -> Parts:
  """Everything that is made of the config; raises InputError for what does not fit."""
  source, seen = assemble.open_source(config), assemble.transform(config)
  parted = accumulated(config)
  known = assemble.facts(source, seen)
  mean = cache(lambda: assemble.pixel_mean(source, seen))
  show = cache(lambda n: assemble.shown(source, seen, n))
  games = [assemble.game(accumulated(m.config), known, mean, show) for m in members]
  put = population.put
  play = lambda values: assemble.game(accumulated(put(config, values)), known, mean, show)
  game = lambda values: play(values) if values else games[0]
  moves, options = assemble.play(parted)
  way = _way(parted, members)
  steps_ = lambda one: way.step(lambda mean: moves(one, mean=mean, **options))
  plain = steps_(games[0])
  step = lambda values: steps_(game(values)) if values else plain
  k = steps.minibatches(moves, **options)
  plan = loader.Plan(
    config['seed'], parted['batch'], k, config['rounds_per_call'], config['resident_parts']
  )
  loader.check(source, plan, config['rounds'])

  def traced(values: Values) -> Any:
    """One round, on one device, of a game with these values."""
    one, key = game(values), jax.random.key(0)
    shape = lambda entry: (k, plan.batch, *entry[0])
    batches = {n: jnp.zeros(shape(entry), entry[1]) for n, entry in known.columns.items()}
    return moves(one, **options)(steps.init(one, key), batches, key)

  population.refuse_static(traced, members[0])
  examples = assemble.examples(config, source)
  return Parts(source, seen, known, examples, games, game, step, way, plan)


def initialiser(
  game: Callable[[Values], Game], out: jax.sharding.Sharding
) -> Callable[[Mapping[str, Any], jax.Array], TrainState]:
  """(values, key of the seed) -> one run's state before round 0."""
  # On CPU without the optimisations that XLA would spend half a minute on, for what runs once;
  # unless XLA_FLAGS says how much.
  level = 'xla_backend_optimization_level'
  told = jax.default_backend() != 'cpu' or level in os.environ.get('XLA_FLAGS', '')
  return jax.jit(
    lambda values, key: steps.init(game(values), jax.random.fold_in(key, 0)),
    out_shardings=out,
    compiler_options=None if told else {level: 1},
  )


def open_feed(
  source: Source,
  plan: loader.Plan,
  way: parallel.Way,
  resident_mb: float,
  seeds: Sequence[int] | None = None,
  place: loader.Place | None = None,
) -> loader.Feed:
  """The set, or each device's share of its parts, on the devices if that fits; else streamed."""
  size = sum(a.nbytes for a in source.arrays.values()) / 2**20
  shared = plan.parts > 1 and seeds is None
  if size / (way.mesh.size if shared else 1) > resident_mb:
    return loader.streamed(source, plan, way.batches, seeds, place)
  if shared:
    return loader.divided(source, plan, way.mesh, place)
  return loader.resident(source, plan, parallel.replicated(way.mesh), place)


def compile_call(parts: Parts, feed: loader.Feed, examples: tuple) -> loop.Call:
  """What `compiled` makes of these; prints what it costs."""
  began = time.perf_counter()
  call = compiled(parts, feed, examples)
  cost, memory = call.cost_analysis() or {}, call.memory_analysis()
  # XLA counts the body of a loop once: of the rounds in a call, and of k equal moves in a row.
  flops = quantity(cost.get('flops', 0)) + 'FLOP a round'
  flops += ', equal moves in a row counted as one' if parts.plan.k > 1 else ''
  working = f'{quantity(memory.temp_size_in_bytes)}B of working memory' if memory else ''
  print(f'compiled in {time.perf_counter() - began:.0f} s: {flops}; {working}', flush=True)
  return call


def compiled(parts: Parts, feed: loader.Feed, examples: tuple) -> Any:
  """(state, inputs, own) -> (state, scalars f32[R]): R rounds as one compiled program.

  Drawing the minibatches and transforming them are part of it; the state is donated. In a
  population all have a leading axis of members, [N,R]. `examples` may be shapes.
  """

  def call(state: TrainState, inputs: Any, own: Own):
    k_data, k_step = jax.random.split(own.key)
    move = parts.step(own.values)

    def one(state: TrainState, i: jax.Array):
      drawn = feed.batches(inputs, i, state.step, own.seed)
      batches = loader.seen(parts.seen, drawn, jax.random.fold_in(k_data, state.step))
      state, log = move(state, batches, k_step)
      # Images, say, which an objective has handed on to its carry, are not for the log.
      return state, {name: value for name, value in log.items() if jnp.ndim(value) == 0}

    return jax.lax.scan(one, state, jnp.arange(parts.plan.rounds))

  way = parts.way
  spread = way.spread(call, feed.shared)
  out = (way.state, way.state)
  return jax.jit(spread, donate_argnums=0, out_shardings=out).lower(*examples).compile()


def _way(config: Mapping[str, Any], members: Sequence[Member]) -> parallel.Way:
  """A run's batch is divided among the devices; in a population its members are."""
  how = configs.resolve(config['parallel'], 'parallel')
  if not members[0].label:
    return parallel.alone(how, parallel.mesh(config['batch'], config['devices']))
  if hosts.several():
    raise InputError(
      f'a population is played by one process; here are {jax.process_count()}. Give each of them '
      'members of its own and a --workdir, without --coordinator.'
    )
  if how is not parallel.jitted:
    raise InputError(
      f'parallel={config["parallel"]!r} divides the batch of one run; a population is divided by '
      "its members, and needs parallel='jitted'."
    )
  return parallel.together(len(members), config['devices'])
