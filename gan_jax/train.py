"""run(): build, restore, loop, close. The only file that knows the order of things."""

import contextlib
import inspect
import pathlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import assemble, checkpoint, parallel, runs
from gan_jax import config as configs
from gan_jax import log as logs
from gan_jax import step as steps
from gan_jax.data import loader
from gan_jax.errors import Diverged, InputError, Interrupted
from gan_jax.progress import Progress, progress, quantity
from gan_jax.sampling import Sampler
from gan_jax.step import TrainState

Call = Callable[[TrainState, Any, jax.Array], tuple[TrainState, dict[str, jax.Array]]]


class Eval(NamedTuple):
  """A periodic thing: numbers or pictures from the sampler of the moment."""

  name: str
  every: int
  function: Callable[..., Mapping[str, Any]]  # (sampler, open_split, key, **options)
  options: Mapping[str, Any]


def run(config: Mapping[str, Any], workdir: str | pathlib.Path) -> TrainState:
  """Trains as the config says, in `workdir`; goes on from there if a run of it was begun there.

  Returns the final state. Raises InputError for a config, data or a workdir that cannot be used,
  FloatingPointError when training left the finite numbers, Interrupted after SIGTERM or Ctrl-C.
  """
  config = assemble.complete(config)
  evals = [_eval(name, spec) for name, spec in sorted(config['evals'].items())]
  _check_cadences(config, evals)
  source, seen = assemble.open_source(config), assemble.transform(config)
  known = assemble.facts(source, seen)
  game = assemble.game(config, known, lambda: assemble.pixel_mean(source, seen))
  play, options = assemble.play(config)
  make = lambda mean: play(game, mean=mean, **options)

  mesh = parallel.mesh(config['batch'], config['devices'])
  step = configs.resolve(config['parallel'], 'parallel')(make, mesh)
  k = steps.minibatches(play, **options)
  plan = loader.Plan(config['seed'], config['batch'], k, config['rounds_per_call'])
  loader.check(source, plan, config['rounds'])
  workdir = pathlib.Path(workdir)
  runs.claim(workdir, config, known)

  state = init_state(game, config['seed'], mesh)
  manager = checkpoint.open_manager(workdir, config['checkpoint']['keep'])
  like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=a.sharding), state)
  found = checkpoint.restore(manager, like)
  if found is None and config['start']:
    state = runs.graft(state, config['start'])
  round_, state = found or (0, state)
  describe(config, known, source, state, round_, mesh.size)

  feed = open_feed(source, plan, mesh, config['resident_mb'])
  call = compile_call(step, feed, seen, plan)
  bind = assemble.sampler(config, game, known) if evals else None
  log = logs.open_log(workdir, round_)
  try:
    state = _loop(Run(config, plan, call, feed, evals, bind, log, manager), round_, state)
  finally:
    feed.close()
    log.close()
    manager.close()
  for name in config['finish']:
    for path in configs.resolve(name, '')(workdir):
      print(f'wrote {path}')
  return state


class Run(NamedTuple):
  """What the loop works with."""

  config: Mapping[str, Any]
  plan: loader.Plan
  call: Call
  feed: loader.Feed
  evals: list[Eval]
  bind: Callable[[TrainState], Sampler] | None
  log: logs.Log
  manager: Any


def init_state(game: steps.Game, seed: int, mesh: jax.sharding.Mesh) -> TrainState:
  """The state before round 0, replicated over the mesh; a function of the seed alone."""
  # On CPU without the optimisations that XLA would spend half a minute on, for what runs once.
  quickly = {'xla_backend_optimization_level': 1} if jax.default_backend() == 'cpu' else None
  make = jax.jit(
    lambda seed: steps.init(game, jax.random.fold_in(jax.random.key(seed), 0)),
    out_shardings=parallel.replicated(mesh),
    compiler_options=quickly,
  )
  return make(seed)


def open_feed(
  source: Any, plan: loader.Plan, mesh: jax.sharding.Mesh, resident_mb: float
) -> loader.Feed:
  """The set on the devices if it is small enough, else streamed from the host."""
  size = sum(a.nbytes for a in source.arrays.values()) / 2**20
  put = lambda sharding: lambda a: jax.device_put(a, sharding)
  if size <= resident_mb:
    return loader.resident(source, plan, put(parallel.replicated(mesh)))
  return loader.streamed(source, plan, put(parallel.split(mesh, axis=2)))


def compile_call(step: steps.Step, feed: loader.Feed, seen: Any, plan: loader.Plan) -> Call:
  """(state, inputs, key) -> (state, scalars f32[R]): R rounds as one compiled program.

  Drawing the minibatches and transforming them are part of it; the state is donated.
  """

  def call(state: TrainState, inputs: Any, key: jax.Array):
    k_data, k_step = jax.random.split(key)

    def one(state: TrainState, i: jax.Array):
      drawn = feed.batches(inputs, i, state.step)
      batches = loader.seen(seen, drawn, jax.random.fold_in(k_data, state.step))
      return step(state, batches, k_step)

    return jax.lax.scan(one, state, jnp.arange(plan.rounds))

  return jax.jit(call, donate_argnums=0)


def describe(
  config: dict, known: assemble.Facts, source: Any, state: TrainState, round_: int, devices: int
) -> None:
  """Prints what is about to happen, before anything is compiled."""
  count = lambda tree: sum(leaf.size for leaf in jax.tree.leaves(tree))
  nets = ', '.join(f'{n} {quantity(count(p))}' for n, p in sorted(state.params.items()))
  size = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) / 2**20
  platform = f'{devices} {jax.devices()[0].platform} device{"s" if devices > 1 else ""}'
  shape = 'x'.join(map(str, known.shape))
  print(
    f'data     {known.meta.get("name")}: {len(source):,} of {shape}, batches of {config["batch"]}'
  )
  print(f'weights  {nets}; the state is {size:.3g} MB, on {platform}')
  if round_:
    print(f'resuming after round {round_:,} of {config["rounds"]:,}')
  sys.stdout.flush()


def _loop(run: Run, round_: int, state: TrainState) -> TrainState:
  """Rounds until the last. A call's scalars are awaited while the next one is under way."""
  config, rounds = run.config, run.config['rounds']
  key = jax.random.fold_in(jax.random.key(config['seed']), 1)
  with _signals() as asked, progress(rounds, round_) as shown:
    settle = _ledger(run, shown, round_)
    if round_ == 0:
      _look(run, run.evals, 0, state, shown)
    pending = None
    while round_ < rounds and not asked:
      state, scalars = run.call(state, run.feed.inputs(round_), key)
      if pending:
        settle(*pending)
      round_ += run.plan.rounds
      pending = (round_, scalars)
      shown.advance(round_)
      saves = round_ % config['checkpoint']['every'] == 0
      due = [e for e in run.evals if round_ % e.every == 0 or round_ >= rounds]
      if saves or due or asked:
        settle(*pending)  # first: what is not finite is neither saved nor shown
        pending = None
      if saves:
        checkpoint.save(run.manager, round_, state)
      _look(run, due, round_, state, shown)
    if pending:
      settle(*pending)
    checkpoint.save(run.manager, round_, state)
  if asked:
    name, status = signal.Signals(asked[0]).name, 128 + asked[0]
    raise Interrupted(
      f'stopped by {name} after round {round_:,}, which is saved; the same command goes on.', status
    )
  return state


def _ledger(run: Run, shown: Progress, healthy: int) -> Callable[[int, Any], None]:
  """settle(round, scalars of the call that ended there): awaits, checks, logs, reports."""
  config, since = run.config, []
  images = run.plan.k * run.plan.batch

  def settle(round_: int, scalars: Any) -> None:
    nonlocal healthy
    values = {name: np.asarray(v) for name, v in sorted(jax.device_get(scalars).items())}
    _check_finite(values, round_, healthy, run.manager)
    healthy = round_
    since.append(values)
    if round_ % config['log_every'] == 0 or round_ >= config['rounds']:
      means = {n: float(np.mean(np.concatenate([v[n] for v in since]))) for n in values}
      since.clear()
      rate = shown.report(round_, means, images)
      run.log.write(round_, {**means, 'images_per_second': rate})

  return settle


def _check_finite(values: dict[str, np.ndarray], round_: int, healthy: int, manager: Any) -> None:
  """Raises Diverged if any scalar of any round of the call is NaN or infinite."""
  bad = {n: v[~np.isfinite(v)] for n, v in values.items() if not np.all(np.isfinite(v))}
  if not bad:
    return
  first = {n: int(np.argmin(np.isfinite(values[n]))) for n in bad}
  at = min(first.values())
  rounds = len(next(iter(values.values())))
  wrong = [n for n in bad if first[n] == at]
  terms = ', '.join(f'{n} is {values[n][at]}' for n in wrong)
  players = ' and '.join(sorted({n.split('/')[0] for n in wrong}))
  last = max(healthy, round_ - rounds + at)
  newest = max(manager.all_steps(), default=None)
  kept = 'No checkpoint was written yet' if newest is None else f'The newest checkpoint is {newest}'
  raise Diverged(
    f'round {round_ - rounds + at + 1}: {terms}, in the move of {players}. Round {last} was the '
    f'last healthy one. {kept}. The same command would come to the same '
    'end: try a lower learning rate, another pair or penalty, or another seed, in a new --workdir.'
  )


def _eval(name: str, spec: Mapping[str, Any]) -> Eval:
  """dict(name='figures.grids.samples', every=500, ...) as an Eval; raises InputError."""
  options = {k: v for k, v in spec.items() if k not in ('name', 'every')}
  if 'name' not in spec or 'every' not in spec:
    raise InputError(f'evals.{name} must say its name=... and every=... so many rounds.')
  function = configs.resolve(spec['name'], '')
  taken = list(inspect.signature(function).parameters)[3:]
  configs.refuse_strangers(options, taken, f'evals.{name} ({spec["name"]})')
  return Eval(name, spec['every'], function, options)


def _look(run: Run, due: list[Eval], round_: int, state: TrainState, shown: Progress) -> None:
  """Runs the evals that are due: numbers go to the log, pictures to samples/."""
  if not due or run.bind is None:
    return
  with shown.pause():
    sampler = run.bind(state)
    numbers: dict[str, float] = {}
    for each in due:
      key = jax.random.fold_in(jax.random.key(run.config['seed']), 2)  # the same z every time
      open_split = partial(assemble.open_source, run.config)
      for name, value in each.function(sampler, open_split, key, **each.options).items():
        label = each.name if name == each.name else f'{each.name}/{name}'
        if np.ndim(value) == 3:
          run.log.image(round_, label.replace('/', '_'), np.asarray(value))
        else:
          numbers[label] = float(value)
    if numbers:
      run.log.write(round_, numbers)
      shown.say('  '.join([f'round {round_:,}:', *(f'{n} {v:.4g}' for n, v in numbers.items())]))


def _check_cadences(config: Mapping[str, Any], evals: list[Eval]) -> None:
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


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
  """A list that SIGTERM and Ctrl-C put their number in; a second one acts as it always does."""
  asked: list[int] = []
  if threading.current_thread() is not threading.main_thread():
    yield asked  # only the main thread may listen (a notebook's worker, say)
    return
  before = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}

  def note(number: int, frame: Any) -> None:
    asked.append(number)
    print(f'{signal.Signals(number).name}: finishing this call, then saving', flush=True)
    signal.signal(number, before[signal.Signals(number)])

  for number in before:
    signal.signal(number, note)
  try:
    yield asked
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
