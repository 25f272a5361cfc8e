"""The course of what was measured."""

import json

import numpy as np
from PIL import Image

from gan_jax.figures.evaluations import courses, read


def measured(folder, round_, **metrics):
  """Writes what gan_jax.evaluate would: name -> (values, protocol)."""
  told = {name: dict(values=values, protocol=how) for name, (values, how) in metrics.items()}
  path = folder / 'evaluations' / f'{round_:08d}.json'
  path.parent.mkdir(exist_ok=True)
  path.write_text(json.dumps(dict(of=dict(round=round_), metrics=told)))


def test_read_has_the_values_of_the_last_protocol_with_their_errors(tmp_path):
  measured(tmp_path, 100, frechet=(dict(frechet=9.0), dict(n=10)))
  measured(tmp_path, 200, frechet=(dict(frechet=3.0, stderr=0.5), dict(n=50)))
  measured(tmp_path, 300, frechet=(dict(frechet=2.0, stderr=0.25), dict(n=50)),
           prdc=(dict(recall=0.5), {}))  # fmt: skip
  found = read(tmp_path)
  assert found.keys() == {'frechet', 'prdc'}
  assert [a.tolist() for a in found['frechet']] == [[200, 300], [3, 2], [0.5, 0.25]]
  assert found['prdc'].values.tolist() == [0.5]
  assert np.isnan(found['prdc'].errors).all()


def test_courses_are_drawn_of_what_was_measured_twice(tmp_path):
  assert courses(tmp_path) == []
  for i in (1, 2):
    measured(tmp_path, i, frechet=(dict(frechet=1.0 / i), {}))
  assert courses(tmp_path) == [tmp_path / 'evaluations.png']
  with Image.open(tmp_path / 'evaluations.png') as picture:
    assert np.asarray(picture).std() > 1
