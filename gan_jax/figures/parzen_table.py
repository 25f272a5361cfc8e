"""Table 1 of Goodfellow et al. 2014: the Parzen estimates of runs, beside those of the paper.

python -m gan_jax.figures.parzen_table runs/gan_mnist DCGAN=runs/dcgan_mnist --out=table.md

An estimate is the newest that `gan_jax.evaluate` has recorded in the run's folder; where it has
none, it is measured now, of the newest checkpoint, and not kept. Runs of different data, or that
were measured otherwise, do not share a table, unless --but names the facts in which they may
differ. The paper's rows are there if the runs are of MNIST or TFD and were measured as it says.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax import command
from gan_jax.errors import InputError


class Estimate(NamedTuple):
  """What one run came to."""

  mean: float  # nats per image
  stderr: float
  round: int
  data: str  # 'mnist'
  protocol: Mapping[str, Any]  # what has to be alike, the digest of the data among it
  recorded: bool


class Paper(NamedTuple):
  """A column of the table as it is printed, and how its numbers were measured."""

  metric: str
  error: str  # what the standard error is over
  protocol: Mapping[str, Any]
  rows: Mapping[str, str]


PAPER = {
  'mnist': Paper(
    'parzen',
    'over test images',
    dict(n_fake=10_000, sigma_on='the first 1,000 of train[50000:]', test='test'),
    {
      'DBN': '138 ± 2',
      'Stacked CAE': '121 ± 1.6',
      'Deep GSN': '214 ± 1.1',
      'Adversarial nets': '225 ± 2',
    },
  ),
  'tfd': Paper(
    'parzen_folds',
    'over folds',
    dict(n_fake=10_000, sigma_on='valid', test='test, 5 folds'),
    {
      'DBN': '1909 ± 66',
      'Stacked CAE': '2110 ± 50',
      'Deep GSN': '1890 ± 29',
      'Adversarial nets': '2057 ± 26',
    },
  ),
}


def table(
  workdirs: Mapping[str, str | pathlib.Path], but: Sequence[str] = (), metric: str | None = None
) -> tuple[list[list[str]], list[str]]:
  """caption -> workdir: the rows of the table, the first of them its head, and notes beneath it.

  `metric` says how to measure what is not recorded, the paper's way if unsaid. Raises InputError
  if there is no such run, its estimate cannot be had, or two of them differ in their data or in a
  fact of their protocols that is not in `but`.
  """
  from gan_jax import measuring

  found = {caption: estimate(workdir, metric) for caption, workdir in workdirs.items()}
  alike = lambda one: {'values': {}, 'protocol': one.protocol}
  measuring.compared(
    {c: {'metrics': {'Parzen estimates': alike(e)}} for c, e in found.items()}, but
  )
  first = next(iter(found.values()))
  paper = PAPER.get(first.data)
  apart = _apart(found, paper) if paper else f'the paper has none for {first.data}'
  rows = [['model', 'log-likelihood', 'round']]
  if paper and not apart:
    rows += [[f'{model} (in the paper)', value, ''] for model, value in paper.rows.items()]
  for caption, one in found.items():
    rows.append([caption, f'{one.mean:.1f} ± {one.stderr:.1f}', f'{one.round:,}'])
  return rows, [
    *_notes(found, paper),
    *([f"The paper's rows are left out: {apart}."] * bool(apart)),
  ]


def estimate(workdir: str | pathlib.Path, metric: str | None = None) -> Estimate:
  """The run's newest recorded estimate, or, without one, that of its newest checkpoint.

  Raises InputError if there is no run, or its samples and data are not of the kind.
  """
  workdir = pathlib.Path(workdir)
  meta = _meta(workdir)
  data = str(meta.get('name'))
  before = recorded(workdir)
  usual = PAPER[data].metric if data in PAPER else 'parzen'
  round_, found = before or _measured(workdir, metric or usual)
  values, protocol = found['values'], {'data': _told(meta), **found['protocol']}
  return Estimate(values['parzen'], values['stderr'], round_, data, protocol, bool(before))


def recorded(workdir: pathlib.Path) -> tuple[int, Mapping[str, Any]] | None:
  """(round, {'values', 'protocol'}) of the newest round that <workdir>/evaluations has one of."""
  from gan_jax import runs

  found = [
    (int(entry['of']['round']), metric)
    for path in sorted((workdir / 'evaluations').glob('*.json'))
    for entry in [runs.read_json(path)]
    for metric in entry['metrics'].values()
    if {'parzen', 'stderr'} <= metric['values'].keys()
  ]
  return max(found, key=lambda one: one[0], default=None)


def text(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
  """The table in columns that line up, and the notes."""
  from gan_jax import measuring

  return '\n'.join([measuring.table(rows), '', *notes])


def markdown(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
  """The same as Markdown."""
  clean = [[cell.replace('|', r'\|') for cell in row] for row in rows]
  head, *rest = [f'| {" | ".join(row)} |' for row in clean]
  return '\n'.join([head, '| --- | ---: | ---: |', *rest, '', *(f'{n}  ' for n in notes), ''])


def named(words: Sequence[str]) -> dict[str, str]:
  """['runs/a', 'B=runs/b'] -> {'a': 'runs/a', 'B': 'runs/b'}; InputError if it says no run."""
  out: dict[str, str] = {}
  for word in words:
    caption, equals, workdir = word.partition('=')
    if not equals or pathlib.Path(word).is_dir():  # a folder may be called lr=0.1
      caption, workdir = pathlib.Path(word).name, word
    if not caption or not workdir or caption in out:
      raise InputError(
        f'{word!r} is no run of its own: python -m gan_jax.figures.parzen_table '
        'RUN CAPTION=RUN ..., each with another caption.'
      )
    out[caption] = workdir
  if not out:
    raise InputError('say which runs: python -m gan_jax.figures.parzen_table RUN CAPTION=RUN ...')
  return out


def write(
  words: Sequence[str],
  out: str | None = None,
  but: Sequence[str] = (),
  metric: str | None = None,
) -> None:
  """Prints the table of the words RUN or CAPTION=RUN, and writes it into `out`, as Markdown."""
  made = table(named(words), but, metric)
  print(text(*made))
  if out:
    target = pathlib.Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(markdown(*made), encoding='utf-8')
    print(f'wrote {target}')


def _measured(workdir: pathlib.Path, metric: str) -> tuple[int, Mapping[str, Any]]:
  """The same as `recorded`, of the newest checkpoint, as `gan_jax.evaluate` would record it."""
  from functools import lru_cache, partial

  import jax

  from gan_jax import asking, assemble, measuring, runs

  config, sampler = runs.config(workdir), runs.sampler(workdir)
  source = lru_cache(partial(assemble.open_source, config))
  key = jax.random.fold_in(jax.random.key(config.get('seed', 0)), 2)
  ((_, found),) = measuring.measure(asking.asked(metric), sampler, source, [key])
  if isinstance(found, InputError):
    raise InputError(f'{workdir} has no estimate recorded, and none can be had: {found}')
  return sampler.round, dict(values=found.values, protocol=found.protocol)


def _meta(workdir: pathlib.Path) -> Mapping[str, Any]:
  """What a run has kept of its data's sidecar; of a folder of several runs, the last one's."""
  from gan_jax import runs

  if (workdir / runs.WHOLE).exists():
    return _meta(workdir / runs.read_json(workdir / runs.WHOLE)['runs'][-1])
  if not (workdir / 'facts.json').exists():
    raise InputError(f'{workdir} holds no run: there is no facts.json in it.')
  return runs.read_json(workdir / 'facts.json')['meta']


def _told(meta: Mapping[str, Any]) -> str:
  """The data by name and digest; folders may all be called 'folder'."""
  whole = json.dumps(meta.get('sha256'), sort_keys=True).encode()
  return f'{meta.get("name")} {hashlib.sha256(whole).hexdigest()[:12]}'


def _apart(found: Mapping[str, Estimate], paper: Paper) -> str:
  """In what the runs were measured otherwise than the paper's models; '' if in nothing."""
  ours = [one.protocol for one in found.values()]
  wanted = {k: v for k, v in paper.protocol.items() if any(p.get(k, v) != v for p in ours)}
  said = lambda key: ' and '.join(dict.fromkeys(f'{p[key]!r}' for p in ours if key in p))
  return '; '.join(f'{k} was {v!r} there and is {said(k)} here' for k, v in wanted.items())


def _notes(found: Mapping[str, Estimate], paper: Paper | None) -> list[str]:
  facts = list(dict.fromkeys(key for one in found.values() for key in one.protocol))
  by = {key: {c: one.protocol.get(key, 'unsaid') for c, one in found.items()} for key in facts}
  same = {key: told for key, told in by.items() if len(set(map(str, told.values()))) == 1}
  shared = '; '.join(f'{key} {next(iter(told.values()))}' for key, told in same.items())
  error = paper.error if paper else 'over test images'
  notes = [
    f'Nats per image, ± the standard error of the mean {error}. More is better, and little is '
    'proved by it (Theis et al. 2016).',
    f'Measured alike: {shared}.',
  ]
  for key in (key for key in facts if key not in same):
    notes.append(f'{key}: {"; ".join(f"{c} {told}" for c, told in by[key].items())}.')
  if now := [caption for caption, one in found.items() if not one.recorded]:
    notes.append(f'Measured for this table, not recorded before: {", ".join(now)}.')
  return notes


if __name__ == '__main__':
  from absl import flags

  flags.DEFINE_string('out', None, 'The Markdown file to write.')
  flags.DEFINE_list('but', [], 'Facts of the protocol in which the runs may differ.')
  flags.DEFINE_string('metric', None, "How to measure what is not recorded: 'parzen(n=1000)'.")
  flags.FLAGS.set_gnu_getopt(True)
  said = flags.FLAGS
  command.start(lambda argv: write(argv[1:], said.out, said.but, said.metric))
