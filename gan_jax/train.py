"""run(): build, restore, loop, close. The only file that knows the order of things."""

import inspect
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax import assemble, checkpoint, loop, parallel, runs
from gan_jax import config as configs
from gan_jax import log as logs
from gan_jax import step as steps
from gan_jax.data import loader
from gan_jax.errors import InputError
from gan_jax.progress import quantity
from gan_jax.step import TrainState


def run(config: Mapping[str, Any], workdir: str | pathlib.Path) -> TrainState:
  """Trains as the config says, in `workdir`; goes on from there if a run of it was begun there.

  Returns the final state. Raises InputError for a config, data or a workdir that cannot be used,
  Diverged when training left the finite numbers, Interrupted after SIGTERM or Ctrl-C.
  """
  config, workdir = assemble.complete(config), pathlib.Path(workdir)
  evals = [_eval(name, spec) for name, spec in sorted(config['evals'].items())]
  _check_cadences(config, evals)
  source, seen = assemble.open_source(config), assemble.transform(config)
  known = assemble.facts(source, seen)
  game = assemble.game(config, known, lambda: assemble.pixel_mean(source, seen))
  play, options = assemble.play(config)
  mesh = parallel.mesh(config['batch'], config['devices'])
  make = lambda mean: play(game, mean=mean, **options)
  step = configs.resolve(config['parallel'], 'parallel')(make, mesh)
  k = steps.minibatches(play, **options)
  plan = loader.Plan(config['seed'], config['batch'], k, config['rounds_per_call'])
  loader.check(source, plan, config['rounds'])
  runs.claim(workdir, config, known)

  manager = checkpoint.open_manager(workdir, config['checkpoint']['keep'])
  begin = initialiser(game, mesh)
  whole = parallel.replicated(mesh)
  like = jax.tree.map(
    lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=whole), jax.eval_shape(begin, 0)
  )
  found = checkpoint.restore(manager, like)
  round_, state = found or (0, begin(config['seed']))
  if not found and config['start']:
    state = runs.graft(state, config['start'])
  describe(config, known, len(source), state, round_, mesh.size)

  feed = open_feed(source, plan, mesh, config['resident_mb'])
  key = jax.device_put(jax.random.fold_in(jax.random.key(config['seed']), 1), whole)
  log = logs.open_log(workdir, round_ if found else -1)
  try:
    if round_ < config['rounds']:
      call = compile_call(step, feed, seen, plan, whole, (state, feed.inputs(round_), key))
      bind = assemble.sampler(config, game, known) if evals else None
      playing = loop.Run(config, plan, call, feed, evals, bind, log, manager)
      state = loop.play(playing, round_, state, key, fresh=not found)
    else:
      print('nothing is left to play; --config.rounds=... goes on from here')
  finally:
    feed.close()
    log.close()
    manager.close()
  for name in config['finish']:
    for path in configs.resolve(name, '')(workdir):
      print(f'wrote    {path}')
  return state


def initialiser(game: steps.Game, mesh: jax.sharding.Mesh) -> Callable[[int], TrainState]:
  """seed -> the state before round 0, replicated over the mesh."""
  # On CPU without the optimisations that XLA would spend half a minute on, for what runs once.
  quickly = {'xla_backend_optimization_level': 1} if jax.default_backend() == 'cpu' else None
  return jax.jit(
    lambda seed: steps.init(game, jax.random.fold_in(jax.random.key(seed), 0)),
    out_shardings=parallel.replicated(mesh),
    compiler_options=quickly,
  )


def open_feed(
  source: Any, plan: loader.Plan, mesh: jax.sharding.Mesh, resident_mb: float
) -> loader.Feed:
  """The set on the devices if it is small enough, else streamed from the host."""
  size = sum(a.nbytes for a in source.arrays.values()) / 2**20
  put = lambda sharding: lambda a: jax.device_put(a, sharding)
  if size <= resident_mb:
    return loader.resident(source, plan, put(parallel.replicated(mesh)))
  return loader.streamed(source, plan, put(parallel.split(mesh, axis=2)))


def compile_call(
  step: steps.Step,
  feed: loader.Feed,
  seen: Any,
  plan: loader.Plan,
  out: jax.sharding.Sharding,
  examples: tuple,
) -> loop.Call:
  """(state, inputs, key) -> (state, scalars f32[R]): R rounds as one compiled program.

  Drawing the minibatches and transforming them are part of it; the state is donated. Prints what
  it costs.
  """

  def call(state: TrainState, inputs: Any, key: jax.Array):
    k_data, k_step = jax.random.split(key)

    def one(state: TrainState, i: jax.Array):
      drawn = feed.batches(inputs, i, state.step)
      batches = loader.seen(seen, drawn, jax.random.fold_in(k_data, state.step))
      return step(state, batches, k_step)

    return jax.lax.scan(one, state, jnp.arange(plan.rounds))

  began = time.perf_counter()
  lowered = jax.jit(call, donate_argnums=0, out_shardings=(out, out)).lower(*examples)
  compiled = lowered.compile()
  cost, memory = compiled.cost_analysis() or {}, compiled.memory_analysis()
  # XLA counts the body of a loop once: of the rounds in a call, and of k equal moves in a row.
  flops = quantity(cost.get('flops', 0)) + 'FLOP a round'
  flops += ', equal moves in a row counted as one' if plan.k > 1 else ''
  working = f'{quantity(memory.temp_size_in_bytes)}B of working memory' if memory else ''
  print(f'compiled in {time.perf_counter() - began:.0f} s: {flops}; {working}', flush=True)
  return compiled


def describe(
  config: dict, known: assemble.Facts, examples: int, state: TrainState, round_: int, devices: int
) -> None:
  """Prints what is about to happen, before anything is compiled."""
  count = lambda tree: sum(leaf.size for leaf in jax.tree.leaves(tree))
  nets = ', '.join(f'{n} {quantity(count(p))}' for n, p in sorted(state.params.items()))
  size = quantity(sum(leaf.nbytes for leaf in jax.tree.leaves(state)))
  platform = f'{devices} {jax.devices()[0].platform} device{"s" if devices > 1 else ""}'
  shape, batch, rounds = 'x'.join(map(str, known.shape)), config['batch'], config['rounds']
  print(f'data     {known.meta.get("name")}: {examples:,} of {shape}')
  print(f'weights  {nets}; the state is {size}B, on {platform}')
  epochs = f'{rounds * batch / examples:.3g} epochs of D'
  resumed = f', resuming after {round_:,}' if round_ else ''
  print(f'rounds   {rounds:,} with batches of {batch}: {epochs}{resumed}', flush=True)


def _eval(name: str, spec: Mapping[str, Any]) -> loop.Eval:
  """dict(name='figures.grids.samples', every=500, ...) as an Eval; raises InputError."""
  options = {k: v for k, v in spec.items() if k not in ('name', 'every')}
  if 'name' not in spec or 'every' not in spec:
    raise InputError(f'evals.{name} must say its name=... and every=... so many rounds.')
  function = configs.resolve(spec['name'], '')
  taken = list(inspect.signature(function).parameters)[3:]
  configs.refuse_strangers(options, taken, f'evals.{name} ({spec["name"]})')
  return loop.Eval(name, spec['every'], function, options)


def _check_cadences(config: Mapping[str, Any], evals: list[loop.Eval]) -> None:
  """Raises InputError unless everything periodic falls on the end of a compiled call."""
  per_call = config['rounds_per_call']
  named = {
    'rounds': config['rounds'],
    'log_every': config['log_every'],
    'checkpoint.every': config['checkpoint']['every'],
    **{f'evals.{e.name}.every': e.every for e in evals},
  }
  for name, value in named.items():
    if value < 1 or value % per_call:
      raise InputError(
        f'{name}={value} must be a positive multiple of rounds_per_call={per_call}, since a '
        'compiled call plays that many rounds.'
      )
