"""Runs, or checkpoints of one, play each other: every D judges the images of every G.

python -m gan_jax.tournament --runs=runs/gan_digits,runs/lsgan_digits,runs/r3gan_digits
python -m gan_jax.tournament --runs=runs/gan_digits@5000,runs/gan_digits@10000 --n=5000

It prints how often each generator fools the discriminators of the others, Glicko-2 ratings of both
(Olsson et al. 2018), NRDS (Zhang et al. 2018) and, pair by pair, GAM (Im et al. 2016). A verdict
above 0 takes an image for real: critics of Wasserstein games have no such zero.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError


class Entrant(NamedTuple):
  """Who takes part."""

  name: str
  image: np.ndarray  # uint8[n,H,W,C], as drawn
  label: np.ndarray | None  # i32[n], of a generator that is told a class
  judge: Callable[[np.ndarray, np.ndarray | None], np.ndarray]  # (image, label) -> logits f32[n]


class Standing(NamedTuple):
  """How one came out."""

  name: str
  win_rate: float  # of G's images, the share that the other Ds take for real
  rating: float  # of G, by Glicko-2
  deviation: float
  judge_rating: float  # of D
  nrds: float  # sums to 1
  won: int  # battles by GAM


def main(argv: list[str]) -> int:
  """Plays as the flags say and prints the tables."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  from gan_jax import measuring, runs

  said = flags.FLAGS
  entrants = [_entrant(path, said.n, said.seed) for path in said.runs]
  real, label = _real(said.runs, said.split, entrants[0].image)
  standings, battles = play(entrants, real, label, said.seed)
  rows = [['model', 'fools', 'rating of G', 'of D', 'NRDS', 'GAM won']]
  for s in standings:
    rating = f'{s.rating:.0f} ± {s.deviation:.0f}'
    rows.append([s.name, f'{s.win_rate:.3f}', rating, f'{s.judge_rating:.0f}', f'{s.nrds:.3f}',
                 str(s.won)])  # fmt: skip
  print(measuring.table(rows))
  print()
  head = ['GAM', 'against', 'test errors', 'sample errors', 'better']
  told = [[a, b, f'{g.test:.3f}', f'{g.samples:.3f}', ('neither', a, b)[g.winner]]
          for a, b, g in battles]  # fmt: skip
  print(measuring.table([head, *told]))
  if said.out:
    protocol = dict(n=said.n, split=said.split, seed=said.seed, n_real=len(real))
    pairs = [dict(models=[a, b], **g._asdict()) for a, b, g in battles]
    record = dict(standings=[s._asdict() for s in standings], gam=pairs, protocol=protocol)
    runs.write_json(pathlib.Path(said.out), record)
  return 0


def play(
  entrants: Sequence[Entrant], real: np.ndarray, label: np.ndarray | None = None, seed: int = 0
) -> tuple[list[Standing], list[tuple[str, str, Any]]]:
  """(standings, best first; every pair's GAM) on real images uint8[N,H,W,C] and labels i32[N].

  Raises InputError for fewer than two, two of one name, or images of different shapes.
  """
  from gan_jax.metrics import battle, glicko

  _check(entrants, real)
  own = [e.judge(real, label) for e in entrants]
  scores = [[d.judge(g.image, g.label) for g in entrants] for d in entrants]
  rates = battle.fooled(scores)
  judges, makers = glicko.skills(rates)
  wins = battle.win_rates(rates)
  flat = lambda image: np.asarray(image, np.float32).reshape(len(image), -1) / 255
  curves = battle.found_out(flat(real), [flat(e.image) for e in entrants], seed=seed)
  shares = battle.nrds(curves)
  pairs = [(i, j) for i in range(len(entrants)) for j in range(i + 1, len(entrants))]
  gams = [battle.gam(own[i], own[j], scores[i][j], scores[j][i]) for i, j in pairs]
  won = [0] * len(entrants)
  for pair, found in zip(pairs, gams, strict=True):
    if found.winner:
      won[pair[found.winner - 1]] += 1
  standings = [
    Standing(e.name, float(wins[i]), makers[i].rating, makers[i].deviation, judges[i].rating,
             float(shares[i]), won[i])
    for i, e in enumerate(entrants)
  ]  # fmt: skip
  named = [(entrants[i].name, entrants[j].name) for i, j in pairs]
  battles = [(*names, found) for names, found in zip(named, gams, strict=True)]
  return sorted(standings, key=lambda s: -s.rating), battles


def _check(entrants: Sequence[Entrant], real: np.ndarray) -> None:
  names = [e.name for e in entrants]
  if len(set(names)) < max(2, len(names)):
    raise InputError(f'a tournament is of two or more models, each once; there are {names}.')
  for e in entrants:
    if e.image.shape[1:] != real.shape[1:]:
      raise InputError(
        f'{e.name} draws {e.image.shape[1:]}, but the real images are {real.shape[1:]}: those who '
        'judge each other are of one size.'
      )


def _entrant(path: str, n: int, seed: int) -> Entrant:
  """The run in a folder, or its checkpoint of a round, folder@round."""
  import jax

  from gan_jax import runs
  from gan_jax.metrics.look import drawn, labelled

  folder, _, round_ = path.rpartition('@')
  at = (folder, int(round_)) if folder and round_.isdigit() else (path, None)
  sampler = runs.sampler(*at)
  if sampler.critic is None:
    raise InputError(
      f'{path} has no D whose verdict is of one image: none, one with BatchNorm, or one of pairs.'
    )
  key = jax.random.fold_in(jax.random.key(seed), 2)
  inputs = runs.config(at[0])['nets']['D']['inputs']
  told = 'label' in inputs
  image, label = labelled(sampler, key, n) if told else (drawn(sampler, key, n), None)
  return Entrant(path, image, label, _judge(path, sampler, told))


def _judge(path: str, sampler: Any, told: bool) -> Callable:
  def judge(image: np.ndarray, label: np.ndarray | None) -> np.ndarray:
    if told and label is None:
      raise InputError(f'the D of {path} is told a class, and there are images without one.')
    return sampler.critic(sampler.see(image), *([label] if told else []))

  return judge


def _real(
  paths: Sequence[str], split: str, like: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
  """The images of a split of the first run's data, of the size that it draws, and their labels."""
  from gan_jax import assemble, runs

  folder, _, round_ = paths[0].rpartition('@')
  config = runs.config(folder if folder and round_.isdigit() else paths[0])
  source = assemble.open_source(config, split)
  image = np.asarray(source.arrays['image'][: len(like)])
  if image.shape[1:] != like.shape[1:]:
    raise InputError(
      f'the images of {paths[0]} are cropped or scaled from {image.shape[1:]} to {like.shape[1:]}; '
      'prepare them at that size to play.'
    )
  label = source.arrays.get('label')
  return image, None if label is None else np.asarray(label[: len(like)])


if __name__ == '__main__':
  flags.DEFINE_list('runs', None, 'Two or more workdirs, maybe with @ROUND.', required=True)
  flags.DEFINE_integer('n', 1000, 'How many images of each.', lower_bound=2)
  flags.DEFINE_string('split', 'test', 'The real images, which no D was trained on.')
  flags.DEFINE_integer('seed', 0, 'Of the draws, and of the discriminator of NRDS.')
  flags.DEFINE_string('out', None, 'A JSON for all that came to be known.')
  command.start(main)
