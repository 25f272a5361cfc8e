"""Measures a trained generator, or any set of images, against real ones.

python -m gan_jax.evaluate --workdir=runs/dcgan_mnist
python -m gan_jax.evaluate --workdir=runs/dcgan_mnist --metrics='fid(features=inception), parzen'
python -m gan_jax.evaluate --fake=FOLDER --real=FILE.npz --features=random_conv
python -m gan_jax.evaluate --workdir=runs/dcgan_mnist --follow
python -m gan_jax.evaluate --workdir=runs/POPULATION
python -m gan_jax.evaluate --compare=A.json,B.json
python -m gan_jax.evaluate --list
"""

import pathlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError

_WORKDIR = flags.DEFINE_string('workdir', None, 'The folder of a run.')
_ROUND = flags.DEFINE_integer('round', None, 'Which checkpoint; the newest if unsaid.')
_FAKE = flags.DEFINE_string('fake', None, 'Instead of a run: a folder, .zip, .npz or .npy.')
_REAL = flags.DEFINE_string('real', None, "The same of real images; the run's own data if unsaid.")
_SPLIT = flags.DEFINE_string('split', None, 'Which part of them; that of each metric, if unsaid.')
_METRICS = flags.DEFINE_string('metrics', None, "Such as 'fid, kid(n=5000)'; the core if unsaid.")
_FEATURES = flags.DEFINE_string(
  'features', None, 'What they look at: classifier (if there are labels), random_conv, inception...'
)
_N = flags.DEFINE_integer('n', None, 'How many images of each kind.', lower_bound=2)
_SEED = flags.DEFINE_integer('seed', None, "Of the draws; the run's own if unsaid.")
_DRAWS = flags.DEFINE_integer('draws', 1, 'Independent sets to draw: means, deviations.', 1)
_OUT = flags.DEFINE_string(
  'out', None, 'The JSON; evaluations/ROUND.json in the workdir if unsaid.'
)
_FOLLOW = flags.DEFINE_bool('follow', False, 'Measure each checkpoint of a run that is going on.')
_COMPARE = flags.DEFINE_list('compare', [], 'Two or more JSON files, to be set side by side.')
_BUT = flags.DEFINE_list('but', [], 'Facts of the protocol in which those may differ.')
_LIST = flags.DEFINE_bool('list', False, 'Which metrics there are.')

POLL = 5.0  # seconds between two looks at a run that is going on


def main(argv: list[str]) -> int:
  """Measures as the flags say, prints a table and writes the JSON; 1 if a metric could not be."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  from gan_jax import asking, measuring, summary

  if _LIST.value:
    for line in asking.listing('metrics'):
      print(line)
    return 0
  if _COMPARE.value:
    from gan_jax import runs

    records = {path: runs.read_json(pathlib.Path(path)) for path in _COMPARE.value}
    print(measuring.table(measuring.compared(records, _BUT.value)))
    return 0
  if bool(_WORKDIR.value) == bool(_FAKE.value):
    raise InputError('give --workdir=RUN, or --fake=IMAGES with --real=IMAGES.')
  if _FAKE.value:
    return _sets(_FAKE.value)
  workdir, status = pathlib.Path(_WORKDIR.value or ''), 0
  if (workdir / summary.FILE).exists():
    return _population(workdir)
  for round_ in _rounds(workdir) if _FOLLOW.value else [_ROUND.value]:
    status = max(status, _run(workdir, round_)[0])
  return status


def _population(workdir: pathlib.Path) -> int:
  """Each member, and then mean and deviation over the seeds of each group of them."""
  from gan_jax import runs, summary

  status, groups = 0, dict[str, tuple[dict, list]]()
  for label, member in runs.read_json(workdir / summary.FILE)['members'].items():
    if not member['diverged']:
      refused, found = _run(workdir / label, _ROUND.value)
      status = max(status, refused)
      flat = {n if v == n else f'{n}/{v}': x for n, m in found.items() for v, x in m.values.items()}
      others = summary.others(member['values'])
      groups.setdefault(str(others), (others, []))[1].append(flat)
  told = [
    dict(values=others, members=len(flats), numbers=summary.numbers(flats))
    for others, flats in groups.values()
  ]
  for line in summary.table(told):
    print(line)
  runs.write_json(workdir / 'evaluations.json', told)
  return status


def _run(workdir: pathlib.Path, round_: int | None) -> tuple[int, dict]:
  from gan_jax import assemble, runs
  from gan_jax.figures import evaluations

  sampler = runs.sampler(workdir, round_)
  config = runs.config(workdir)
  source = _opened(_REAL.value, sampler) if _REAL.value else _cached(assemble.open_source, config)
  seed = config.get('seed', 0) if _SEED.value is None else _SEED.value
  of = dict(workdir=str(workdir), round=sampler.round, seed=seed)
  out = pathlib.Path(_OUT.value or workdir / 'evaluations' / f'{sampler.round:08d}.json')
  measured = _measure(sampler, source, of, seed, _N.value, out)
  for path in evaluations.courses(workdir):
    print(f'wrote    {path}')
  return measured


def _sets(path: str) -> int:
  if not _REAL.value:
    raise InputError('--fake=IMAGES is measured against --real=IMAGES.')
  from gan_jax.sampling import still

  fake = _opened(path, None)()
  sampler = still(fake.arrays['image'], fake.arrays.get('label'))
  of = dict(fake=path, sha256=fake.meta['sha256']['image'][:12])
  n = _N.value or min(len(fake), 10_000)
  out = pathlib.Path(_OUT.value or 'evaluation.json')
  return _measure(sampler, _opened(_REAL.value, sampler), of, 0, n, out)[0]


def _measure(
  sampler: Any, source: Callable, of: dict, seed: int, n: int | None, out: pathlib.Path
) -> tuple[int, dict]:
  """(1 if a metric could not be had, name -> what the others came to); prints and writes them."""
  import jax

  from gan_jax import asking, log, measuring, runs

  features = _FEATURES.value or ('classifier' if 'label' in source().arrays else 'random_conv')
  common: dict[str, Any] = dict(n=n, features=features, split=_SPLIT.value)
  evals = asking.asked(_METRICS.value or measuring.CORE, **common)
  # The first key is the one that evals during training have.
  keys = [jax.random.fold_in(jax.random.key(seed + i), 2) for i in range(_DRAWS.value)]
  found, refused = {}, 0
  print(' '.join(f'{k}={v}' for k, v in of.items()), flush=True)
  for name, result in measuring.measure(evals, sampler, source, keys):
    if isinstance(result, InputError):
      refused += 1
      print(f'{name:18} cannot be had: {result}', flush=True)
      continue
    found[name] = result
    said = '  '.join(f'{value} {number:.5g}' for value, number in result.values.items())
    print(f'{name:18} {said}  ({result.seconds:.1f} s)', flush=True)
    for picture, pixels in result.pictures.items():
      log.save_picture(out.with_name(f'{out.stem}_{name}_{picture}'), pixels)
  for line in _protocols(found):
    print(line)
  runs.write_json(out, measuring.record(of, found))
  print(f'wrote    {out}')
  return int(refused > 0), found


def _protocols(found: dict) -> Iterator[str]:
  """What most of the numbers share, and then what each has beside, or otherwise."""
  protocols = {name: m.protocol for name, m in found.items() if m.protocol}
  facts = list(dict.fromkeys(key for p in protocols.values() for key in p))
  told = {key: Counter(str(p[key]) for p in protocols.values() if key in p) for key in facts}
  usual = {key: said.most_common(1)[0] for key, said in told.items()}
  shared = {key: said for key, (said, times) in usual.items() if times > len(protocols) / 2}
  tell = lambda facts: '; '.join(f'{k} {v}' for k, v in facts.items())
  if protocols:
    yield f'protocol  {tell(shared)}'
  for name, protocol in protocols.items():
    if own := {k: v for k, v in protocol.items() if str(v) != shared.get(k)}:
      yield f'  {name}: {tell(own)}'


def _cached(open_source: Callable, config: Any) -> Callable:
  from functools import lru_cache, partial

  return lru_cache(partial(open_source, config))


def _opened(path: str, sampler: Any) -> Callable:
  """split -> the images at that path, of the size that the sampler draws."""
  from functools import lru_cache

  from gan_jax.data.opening import images_at

  shape = sampler.shape if sampler is not None and len(sampler.shape) == 3 else None
  whole = lru_cache(lambda **changes: images_at(path, shape, **changes))

  def opened(split: str | None = None, **changes: Any) -> Any:
    # A set has no parts of its own where a metric asks for 'train' or 'test': it is the reference.
    return whole(split=_SPLIT.value, **changes) if _SPLIT.value else whole(**changes)

  return opened


def _rounds(workdir: pathlib.Path) -> Iterator[int]:
  """The rounds of a run's checkpoints as they come, until it has played all of its rounds."""
  from gan_jax import runs

  seen: set[int] = set()
  while True:
    written = runs.rounds(workdir)
    for round_ in sorted(written - seen):
      seen.add(round_)
      if round_ in runs.rounds(workdir):  # or it has been dropped for newer ones by now
        yield round_
    if written and max(written) >= runs.config(workdir)['rounds']:
      return
    time.sleep(POLL)


if __name__ == '__main__':
  command.start(main)
