"""A run on disk: what a workdir holds, and how a trained generator comes back from it.

config.json   what was asked for            facts.json     what the networks know of the data
checkpoints/  the newest states             log.jsonl      every number, one line per logged round
samples/      every picture                 tensorboard/   the same for TensorBoard
sessions.jsonl  each time that it was played on: when, by which command and code, on what
examples.npz  where G takes more than z and labels: what to draw samples from
whole.json    in place of the above in a folder of several runs: by which function all are sampled
"""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding

from gan_jax import assemble, checkpoint, sampling
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.accumulation import accumulated
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler
from gan_jax.step import Game, TrainState

# What may change between the parts of one run: it says how long and what is looked at, not what is
# learnt.
FREE = (
  'rounds', 'evals', 'finish', 'log_every', 'watch', 'checkpoint', 'devices', 'resident_mb',
)  # fmt: skip
WHOLE = 'whole.json'


class Run(NamedTuple):
  """A run as it lies on disk, read back without its data."""

  config: dict[str, Any]
  known: assemble.Facts
  examples: dict[str, np.ndarray]
  game: Game
  round: int
  state: TrainState


def claim(
  workdir: pathlib.Path,
  config: Mapping[str, Any],
  known: assemble.Facts,
  examples: Mapping[str, np.ndarray],
) -> None:
  """Writes config, facts and examples into `workdir`, or checks that it is this run's own.

  Raises InputError, naming the keys, if the config there differs in what is learnt, or if the
  folder cannot be written to.
  """
  path = workdir / 'config.json'
  if path.exists():
    changed = {
      key: values
      for key, values in configs.differences(_as_of_now(read_json(path)), dict(config)).items()
      if key.split('.')[0] not in FREE
    }
    if changed:
      keys = '; '.join(f'{key} was {old!r}, is now {new!r}' for key, (old, new) in changed.items())
      raise InputError(
        f'{workdir} holds a run of another config: {keys}. Give another --workdir, or ask for what '
        'was asked for before.'
      )
  write_json(path, dict(config))
  write_json(workdir / 'facts.json', known._asdict())
  if examples:
    _write(workdir / 'examples.npz', lambda path: _savez(path, examples))


def _as_of_now(config: Mapping[str, Any]) -> dict[str, Any]:
  """The config of a run that may have been begun before there were some of the keys."""
  return {**configs.plain(configs.DEFAULTS), **config}


def load(workdir: str | pathlib.Path, step: int | None = None) -> Run:
  """The newest whole checkpoint of a run, or that of a round, and what it takes to use it.

  Raises InputError if there is no run in `workdir`, or it has no such checkpoint.
  """
  workdir = pathlib.Path(workdir)
  _check_is_run(workdir)
  config, facts = _as_of_now(read_json(workdir / 'config.json')), read_json(workdir / 'facts.json')
  columns = {name: (tuple(shape), dtype) for name, (shape, dtype) in facts['columns'].items()}
  known = assemble.Facts(**{**facts, 'shape': tuple(facts['shape']), 'columns': columns})
  kept = workdir / 'examples.npz'
  examples = dict(np.load(kept)) if kept.exists() else {}
  # The mean image only says where weights start, and these have moved on.
  game = assemble.game(accumulated(config), known, lambda: np.zeros(known.shape, np.float32))
  here = SingleDeviceSharding(jax.devices()[0])
  like = jax.tree.map(
    lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=here),
    jax.eval_shape(lambda key: steps.init(game, key), jax.random.key(0)),
  )
  manager = checkpoint.open_manager(workdir)
  try:
    found = checkpoint.restore(manager, like, step)
  finally:
    manager.close()
  if found is None:
    raise InputError(f'{workdir} has no checkpoint yet.')
  return Run(config, known, examples, game, *found)


def sampler(workdir: str | pathlib.Path, step: int | None = None) -> Sampler:
  """The trained generator of a run, ready to draw; raises InputError as `load` does.

  Of a folder of several runs, stages or a boosted mixture, what they come to together, for which
  there is no `step`.
  """
  whole = pathlib.Path(workdir) / WHOLE
  if whole.exists():
    facts = read_json(whole)
    if step is not None:
      folders = ', '.join(str(whole.parent / name) for name in facts['runs'])
      raise InputError(
        f'{workdir} holds several runs, and no one of them is meant by round {step}; {folders} '
        'have rounds of their own.'
      )
    return configs.resolve(facts['sampler'], '')(workdir)
  run = load(workdir, step)
  return assemble.sampler(run.config, run.game, run.known, run.examples)(run.state)


def config(workdir: str | pathlib.Path) -> dict[str, Any]:
  """The config of a run; of a folder of several that of the last one. Raises InputError."""
  workdir = pathlib.Path(workdir)
  if (workdir / WHOLE).exists():
    return config(workdir / read_json(workdir / WHOLE)['runs'][-1])
  _check_is_run(workdir)
  return read_json(workdir / 'config.json')


def classes(workdir: str | pathlib.Path) -> int:
  """How many classes the data of a run have, 0 without labels; of several runs, the last one's."""
  workdir = pathlib.Path(workdir)
  if (workdir / WHOLE).exists():
    return classes(workdir / read_json(workdir / WHOLE)['runs'][-1])
  _check_is_run(workdir)
  return int(read_json(workdir / 'facts.json')['classes'])


def rounds(workdir: str | pathlib.Path) -> set[int]:
  """Of which rounds there are checkpoints in a folder, whole or not."""
  found = (pathlib.Path(workdir) / checkpoint.FOLDER).glob('*')
  return {int(folder.name) for folder in found if folder.name.isdigit()}


def graft(state: TrainState, spec: Mapping[str, Any]) -> TrainState:
  """`state` with weights of another run in place of its own.

  spec: dict(workdir=..., weights={'G/tail': 'G'}): G's sub-tree 'tail' is taken from the whole of
  the other run's G. Averages start from the same. Raises InputError if the two do not fit.
  """
  configs.refuse_strangers(spec, ('workdir', 'weights', 'step'), 'start')
  other = load(spec['workdir'], spec.get('step')).state
  params, ema = dict(state.params), dict(state.ema)
  for to, source in spec['weights'].items():
    net, *path = to.split('/')
    scion = _at(other.params, source.split('/'), spec['workdir'])
    stock = _at(params, [net, *path], 'this run')
    if (a := jax.tree.map(np.shape, stock)) != (b := jax.tree.map(np.shape, scion)):
      raise InputError(f'start: {to} has shapes {a} here, but {source} has {b} there.')
    for name in path[::-1]:
      scion = {name: scion}
    params[net] = sampling.merge(params[net], scion)
    if net in ema:
      ema[net] = sampling.merge(ema[net], scion)
  return jax.tree.map(
    lambda new, old: jax.device_put(np.array(new), old.sharding),
    state.replace(params=params, ema=ema),
    state,
  )


def _check_is_run(workdir: pathlib.Path) -> None:
  if not (workdir / 'config.json').exists():
    raise InputError(f'{workdir} holds no run: there is no config.json in it.')


def _at(tree: Any, path: list[str], where: Any) -> Any:
  for name in path:
    if name not in tree:
      raise InputError(f'start: {where} has no weights {"/".join(path)}.')
    tree = tree[name]
  return tree


def read_json(path: pathlib.Path) -> Any:
  """What is in the file; raises InputError if it is damaged or missing."""
  try:
    return json.loads(path.read_text())
  except (OSError, json.JSONDecodeError) as error:
    raise InputError(f'{path} is damaged or missing: {error}.') from error


def write_json(path: pathlib.Path, value: Any) -> None:
  """Writes it whole or not at all, its folder too; raises InputError if that cannot be written."""
  text = json.dumps(value, indent=1, default=str) + '\n'
  _write(path, lambda beside: beside.write_text(text))


def _savez(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
  with path.open('wb') as file:  # to a path of another ending NumPy would add one
    np.savez(file, **arrays)  # type: ignore[arg-type]


def _write(path: pathlib.Path, write: Callable[[pathlib.Path], Any]) -> None:
  beside = path.with_suffix('.tmp')
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(beside)
    beside.replace(path)
  except OSError as error:
    raise InputError(f'{path.parent} cannot be written to: {error.strerror}.') from error
