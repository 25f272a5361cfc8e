"""Folders of runs as training leaves them, whole and not, without training."""

import json

import numpy as np
import pytest

from gan_jax import assemble, log
from gan_jax.config import experiment


@pytest.fixture(scope='session')
def begin():
  """(folder, rounds logged, pictures, **entries of the config) -> the folder of such a run."""
  return _begin


def _begin(folder, logged=(), pictures=(), rounds=400, **config):
  folder.mkdir(parents=True)
  whole = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=4),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(8,), output='tanh'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(8,)),
    ),
    objective=dict(name='gan', pair=dict(name='nonsaturating')),
    players=dict(D=dict(tx=dict(name='adam', learning_rate=1e-3)),
                 G=dict(tx=dict(name='adam', learning_rate=1e-3))),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=rounds,
    batch=10,
    evals=dict(fd=dict(name='metrics.frechet.frechet', every=100)),
  )  # fmt: skip
  whole = assemble.complete(experiment({**whole, **config}))
  (folder / 'config.json').write_text(json.dumps(whole))
  columns = dict(image=[[8, 8, 1], 'float32'], label=[[], 'int32'])
  meta = dict(name='digits', split='train')
  facts = dict(shape=[8, 8, 1], columns=columns, classes=10, range=[-1, 1], meta=meta)
  (folder / 'facts.json').write_text(json.dumps(facts))
  entries = []
  for i in logged:
    entries.append({'step': i, 'D/loss': 1 / (1 + i), 'G/loss': 0.7, 'images_per_second': 100.0})
    entries.append({'step': i, 'fd': 3.0, 'fd/stderr': 0.5})
  text = ''.join(json.dumps(entry) + '\n' for entry in entries)
  (folder / log.FILE).write_text(text)
  rng = np.random.default_rng(0)
  for i in pictures:
    pixels = rng.integers(0, 256, (40, 60, 3), np.uint8)
    log.save_png(folder / 'samples' / f'samples_{i:08d}.png', pixels)
  return folder


@pytest.fixture(scope='session')
def evaluate():
  """(folder, round, protocol of frechet) -> writes what gan_jax.evaluate would."""

  def write(folder, round_=400, frechet=2.0, **protocol):
    values = dict(frechet=frechet, stderr=0.25)
    metrics = dict(frechet=dict(values=values, protocol=protocol, seconds=1.0))
    record = dict(of=dict(round=round_), code=dict(revision='abc1234'), metrics=metrics)
    path = folder / 'evaluations' / f'{round_:08d}.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))

  return write
