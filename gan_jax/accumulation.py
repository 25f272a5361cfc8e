"""Gradient accumulation: a batch that does not fit is played in parts, with one move for all.

`--config.accumulate=4` plays every move of the schedule as four, on a quarter of the batch each,
along the mean of their gradients. It is another config of the same game: no step knows of it. What
is computed over a batch (BatchNorm, minibatch discrimination, relativistic means) is computed over
its parts, noise is drawn for each, and what is logged of a move is that of its last part.
"""

from collections.abc import Mapping
from typing import Any

from gan_jax import step as steps
from gan_jax.errors import InputError


def accumulated(config: Mapping[str, Any]) -> dict[str, Any]:
  """The config that a complete one with `accumulate` stands for; raises InputError."""
  times, batch = config['accumulate'], config['batch']
  if times == 1:
    return dict(config)
  if times < 1 or batch % times:
    raise InputError(f'accumulate={times} cannot divide a batch of {batch} into equal parts.')
  play = {'name': config['play']} if isinstance(config['play'], str) else dict(config['play'])
  if play['name'] != 'alternating' or play.get('noise', 'fresh') != 'fresh':
    raise InputError(
      f'accumulate={times} takes players who move in turn with fresh noise, '
      f"play=dict(name='alternating', ...); here it is {config['play']!r}."
    )
  moves = steps.numbered(play.get('schedule', steps.SCHEDULE))
  schedule = tuple((name, at * times + part) for name, at in moves for part in range(times))
  players = {
    name: {**spec, 'tx': dict(name='averaged', tx=spec['tx'], moves=times)}
    for name, spec in config['players'].items()
  }
  play = {**play, 'schedule': schedule}
  return {**config, 'batch': batch // times, 'play': play, 'players': players}
