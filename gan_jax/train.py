"""run(): build, restore, loop, close. The only file that knows the order of things."""

import contextlib
import inspect
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax

from gan_jax import (
  assemble,
  back,
  checkpoint,
  hosts,
  loop,
  population,
  program,
  runs,
  sessions,
  summary,
)
from gan_jax import best as bests
from gan_jax import config as configs
from gan_jax import log as logs
from gan_jax import watch as watching
from gan_jax.alone import alone
from gan_jax.errors import Collapsed, Diverged, InputError
from gan_jax.population import Member
from gan_jax.program import Parts
from gan_jax.progress import quantity
from gan_jax.sampling import Sampler
from gan_jax.step import TrainState

BANDS = 'figures.curves.bands'  # (workdir, {group: folders of its runs}), after a population


def run(
  config: Mapping[str, Any],
  workdir: str | pathlib.Path,
  vary: population.Vary | None = None,
) -> TrainState:
  """Trains as the config says, in `workdir`; goes on from there if a run of it was begun there.

  With `vary`, e.g. {'seed': range(8)}, a population: a run in each of workdir's folders seed=0, ...
  or, if its members are given, in theirs (see population.py). Returns the final state, a
  population's with a leading axis of members. Raises InputError for a config, data or a workdir
  that cannot be used, Diverged when training left the finite numbers (some members alone: once the
  others are through), Collapsed when the watch ended it, Interrupted after SIGTERM or Ctrl-C.
  """
  config, workdir = assemble.complete(config), pathlib.Path(workdir)
  evals = evals_of({**watching.evals(config['watch']), **config['evals']})
  check_cadences(config, evals)
  members = population.members(config, workdir, vary)
  back.check(config, members)
  bests.best(config['checkpoint'].get('best'))  # refused before anything is compiled
  parts = program.build(config, members)
  with contextlib.ExitStack() as held, hosts.together():
    hosts.told(lambda: held.enter_context(alone(workdir)))
    hosts.sharing(workdir)
    state, fallen = _played(config, workdir, members, evals, parts, vary is None)
  hosts.told(lambda: finish(config, workdir, members, fallen))
  return state


def _played(
  config: Mapping[str, Any],
  workdir: pathlib.Path,
  members: Sequence[Member],
  evals: list[loop.Eval],
  parts: Parts,
  single: bool,
) -> tuple[TrainState, dict[str, str]]:
  """(the state when all rounds are played, the members that diverged: label -> how)."""
  fallen = {} if single else summary.claim(workdir, members)
  for member in members:
    claim = (member.workdir, member.config, parts.known, parts.examples)
    hosts.told(partial(runs.claim, *claim))

  # A kill may find a population's members at two rounds; what they have in common is still there.
  keep = max(config['checkpoint']['keep'], 1 if single else 2)
  managers = [checkpoint.open_manager(m.workdir, keep) for m in members]
  try:
    round_, states, found = begin(config, members, managers, fallen, parts)
    describe(config, members, parts, states[0], round_)
    state = parts.way.join(states)
    if len(fallen) == len(members):
      print('nothing is left to play: all members diverged')
    elif round_ < config['rounds']:
      mark = lambda: summary.mark(workdir, members, fallen)
      at = (round_ if found else -1, state)
      living = [m.workdir for m in members if m.label not in fallen and hosts.first()]
      with sessions.session(living, round_):
        state = play(config, members, managers, evals, parts, fallen, mark, *at)
    else:
      print('nothing is left to play; --config.rounds=... goes on from here')
  finally:
    for manager in managers:
      manager.close()
  return state, fallen


def begin(
  config: Mapping[str, Any],
  members: Sequence[Member],
  managers: Sequence[Any],
  fallen: Mapping[str, str],
  parts: Parts,
) -> tuple[int, list[TrainState], bool]:
  """(round, the state of each member, whether they were restored).

  A member that has diverged before starts anew: its numbers will not be looked at.
  """
  start = program.initialiser(parts.game, parts.way.one)
  like = _like(start, members, parts)
  living = [i for i, m in enumerate(members) if m.label not in fallen]
  found = living and checkpoint.restore_together([managers[i] for i in living], like)
  round_, restored = found or (0, [])
  states = dict(zip(living, restored, strict=False))
  for i in set(range(len(members))) - set(states):
    states[i] = start(*_begun_with(members[i]))
    if config['start'] and not found:
      states[i] = runs.graft(states[i], config['start'])
  return round_, [states[i] for i in range(len(members))], bool(found)


def _begun_with(member: Member) -> tuple[Mapping[str, Any], jax.Array]:
  return population.own(member).values, jax.random.key(member.config['seed'])


def _like(start: Callable, members: Sequence[Member], parts: Parts) -> TrainState:
  """The shapes of a state that `start` makes, and where they lie; it is traced once for both."""
  return jax.tree.map(
    lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=parts.way.one),
    jax.eval_shape(start, *_begun_with(members[0])),
  )


def play(
  config: Mapping[str, Any],
  members: Sequence[Member],
  managers: Sequence[Any],
  evals: list[loop.Eval],
  parts: Parts,
  fallen: dict[str, str],
  mark: Callable[[], None],
  restored: int,
  state: TrainState,
) -> TrainState:
  """Compiles and plays from round `restored` (-1: anew) to the last; raises as the loop does.

  When the watch says so it goes back, and plays on from an earlier checkpoint with other noise.
  """
  round_, way = max(restored, 0), parts.way
  limits = watching.watch(config['watch'])
  seeds = [m.config['seed'] for m in members] if members[0].label else None
  feed = program.open_feed(parts.source, parts.plan, way, config['resident_mb'], seeds)
  owns = [population.own(m) for m in members]
  binds = _binds(members, parts) if evals else [None] * len(members)
  for manager, member in zip(managers, members, strict=True):
    if member.label not in fallen:
      checkpoint.forget_after(manager, round_)
  try:
    examples = (state, feed.inputs(round_), way.join(owns))
    call = program.compile_call(parts, feed, examples)

    def go_on(restored: int, state: TrainState) -> TrainState:
      returned = hosts.told(lambda: len(back.returns(members[0].workdir)))
      noise = back.renewed(owns, returned)
      with _logs(members, fallen, restored) as written:
        played = [
          loop.Played(m.label, m.workdir, m.config['seed'], *others)
          for m, *others in zip(members, binds, written, managers, strict=True)
        ]
        run = loop.Run(
          config, parts.plan, call, feed, evals, played, way.parts, fallen, mark,
          hosts.caller(way.mesh), limits, bests.best(config['checkpoint'].get('best')),
        )  # fmt: skip
        return loop.play(run, max(restored, 0), state, way.join(noise), fresh=restored < 0)

    while True:
      try:
        return go_on(restored, state)
      except Collapsed as collapse:
        like = _like(program.initialiser(parts.game, parts.way.one), members, parts)
        restored, one = back.go(collapse, limits, members[0].workdir, managers[0], like)
        state = way.join([one])
  finally:
    feed.close()


@contextlib.contextmanager
def _logs(
  members: Sequence[Member], fallen: Mapping[str, str], restored: int
) -> Iterator[list[logs.Log]]:
  silent = {m.label for m in members if m.label in fallen or not hosts.first()}
  written = [
    logs.NOWHERE if m.label in silent else logs.open_log(m.workdir, restored) for m in members
  ]
  try:
    yield written
  finally:
    for log in written:
      log.close()


def finish(
  config: Mapping[str, Any],
  workdir: pathlib.Path,
  members: Sequence[Member],
  fallen: Mapping[str, str],
) -> None:
  """The figures of each run and, of a population, what it comes to; Diverged if some did."""
  figures = [configs.resolve(name, '') for name in config['finish']]
  drawn = {m.workdir: [path for figure in figures for path in figure(m.workdir)] for m in members}
  if not members[0].label:
    for path in drawn[members[0].workdir]:
      print(f'wrote    {path}')
    return
  for folder, paths in drawn.items():
    print(f'wrote    {folder}: {", ".join(path.name for path in paths) or "no figures"}')
  groups = summary.close(workdir, members, fallen)
  if config['finish']:
    for path in configs.resolve(BANDS, '')(workdir, groups):
      print(f'wrote    {path}')
  if fallen:
    raise Diverged(
      f'{len(fallen)} of {len(members)} members diverged: {", ".join(fallen)}; '
      f'{workdir / summary.FILE} says how. The others are whole.'
    )


def describe(
  config: Mapping[str, Any],
  members: Sequence[Member],
  parts: Parts,
  state: TrainState,
  round_: int,
) -> None:
  """Prints what is about to happen, before anything is compiled."""
  count = lambda tree: sum(leaf.size for leaf in jax.tree.leaves(tree))
  known, examples, devices = parts.known, len(parts.source), parts.way.mesh.size
  nets = ', '.join(f'{n} {quantity(count(p))}' for n, p in sorted(state.params.items()))
  size = quantity(sum(leaf.nbytes for leaf in jax.tree.leaves(state)))
  platform = f'{devices} {jax.devices()[0].platform} device{"s" if devices > 1 else ""}'
  shape, batch, rounds = 'x'.join(map(str, known.shape)), config['batch'], config['rounds']
  if members[0].label:
    print(f'members  {len(members)}: {members[0].label} ... {members[-1].label}')
  print(f'data     {known.meta.get("name")}: {examples:,} of {shape}')
  print(f'weights  {nets}; the state is {size}B, on {platform}')
  epochs = f'{rounds * batch / examples:.3g} epochs of D'
  resumed = f', resuming after {round_:,}' if round_ else ''
  print(f'rounds   {rounds:,} with batches of {batch}: {epochs}{resumed}', flush=True)


def _binds(members: Sequence[Member], parts: Parts) -> list[Callable[[TrainState], Sampler] | None]:
  """A sampler for each member; those that draw in the same way share one, compiled once."""
  made: dict[str, Any] = {}
  out: list[Callable[[TrainState], Sampler] | None] = []
  for member, game in zip(members, parts.games, strict=True):
    drawn = json.dumps([member.config['prior'], member.config['nets']], sort_keys=True, default=str)
    if drawn not in made:
      made[drawn] = assemble.sampler(member.config, game, parts.known, parts.examples)
    out.append(made[drawn])
  return out


def evals_of(specs: Mapping[str, Mapping[str, Any]]) -> list[loop.Eval]:
  """{name: dict(name='figures.grids.samples', every=500, ...)} as Evals; raises InputError."""
  return [_eval(name, spec) for name, spec in sorted(specs.items())]


def _eval(name: str, spec: Mapping[str, Any]) -> loop.Eval:
  options = {k: v for k, v in spec.items() if k not in ('name', 'every')}
  if 'name' not in spec or 'every' not in spec:
    raise InputError(f'evals.{name} must say its name=... and every=... so many rounds.')
  function = configs.resolve(spec['name'], '')
  taken = list(inspect.signature(function).parameters)[3:]
  configs.refuse_strangers(options, taken, f'evals.{name} ({spec["name"]})')
  return loop.Eval(name, spec['every'], function, options)


def check_cadences(config: Mapping[str, Any], evals: list[loop.Eval]) -> None:
  """Raises InputError unless everything periodic falls on the end of a compiled call."""
  per_call = config['rounds_per_call']
  named = {
    'rounds': config['rounds'],
    'log_every': config['log_every'],
    'checkpoint.every': config['checkpoint']['every'],
    **{f'evals.{e.name}.every': e.every for e in evals},
    **({'watch.every': config['watch']['every']} if config['watch'] else {}),
  }
  for name, value in named.items():
    if value < 1 or value % per_call:
      raise InputError(
        f'{name}={value} must be a positive multiple of rounds_per_call={per_call}, since a '
        'compiled call plays that many rounds.'
      )
