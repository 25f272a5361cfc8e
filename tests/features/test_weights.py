"""Where weights are looked for, how they are checked, converted and fetched.

Covers: features/fetch.py.
"""

import base64
import zlib

import flax.linen as nn
import numpy as np
import pytest

from gan_jax.data.download import File, sha256
from gan_jax.features import fetch, weights
from gan_jax.features.weights import Published, fitting, load, located
from tests.features.test_pth import SMALL
from tests.messages import refused

OURS = Published(
  'Ours', File('ours-w.pth', 498, 64 * 'f'), 'GAN_JAX_OURS', 'https://a.b', ('o.pth',)
)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
  """A cache and a torch hub of this test's own."""
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'cache'))
  monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
  monkeypatch.delenv(OURS.variable, raising=False)
  return tmp_path


def put(path):
  """A file of PyTorch's with {'w': [[0, 1, 2], [3, 4, 5]], 'n': 7}."""
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(zlib.decompress(base64.b85decode(SMALL)))
  return path


def doubled(state):
  return {'layer': {'kernel': 2 * state['w']}}


def test_located_looks_where_it_was_said_then_in_cache_and_hub(places, monkeypatch):
  hub = put(places / 'torch' / 'hub' / 'checkpoints' / 'o.pth')
  assert located(OURS) == hub
  cached = put(places / 'cache' / 'weights' / 'ours-w.pth')
  assert located(OURS) == cached
  said = put(places / 'said.pth')
  monkeypatch.setenv(OURS.variable, str(said))
  assert located(OURS) == said
  assert located(OURS, hub) == hub


def test_located_says_what_to_put_where(places):
  told = (places / 'cache' / 'weights', 'ours-w.pth', 'GAN_JAX_OURS=', 'path=', 'ffffffff')
  with refused(*told, 'python -m gan_jax.features.fetch'):
    located(OURS)
  with refused(*told) as caught:
    located(OURS._replace(base=''))
  assert 'gan_jax.features.fetch' not in str(caught.value)  # from nowhere
  with refused(places / 'absent.pth'):
    located(OURS, places / 'absent.pth')


def test_located_refuses_a_file_that_is_not_what_its_name_says(places):
  digest = sha256(put(places / 'w.pth'))[:8]
  right, wrong = put(places / f'w-{digest}.pth'), put(places / 'w-01234567.pth')
  assert located(OURS, right) == right
  with refused(wrong, digest, '01234567'):
    located(OURS, wrong)


def test_load_converts_a_file_once(places):
  at = put(places / 'w.pth')
  params, digest = load(at, doubled)
  assert digest == sha256(at)
  np.testing.assert_array_equal(params['layer']['kernel'], [[0, 2, 4], [6, 8, 10]])
  (kept,) = (places / 'cache' / 'weights').glob('*.npz')

  def never(state):
    raise AssertionError('it was converted already')

  for path in (at, kept):  # what was converted serves in the place of the other
    again, same = load(path, never)
    assert same == digest
    np.testing.assert_array_equal(again['layer']['kernel'], params['layer']['kernel'])


def test_load_takes_an_npz_by_the_same_names(places):
  at = places / 'w.npz'
  np.savez(at, w=np.ones((2, 2)))
  params, digest = load(at, doubled)
  assert digest == sha256(at)
  np.testing.assert_array_equal(params['layer']['kernel'], np.full((2, 2), 2))
  at.write_bytes(b'no archive')
  with refused(at, '.npz'):
    load(at, doubled)


def test_fitting_refuses_by_name_what_does_not_fit():
  module = nn.Dense(3)
  right = {'kernel': np.ones((2, 3)), 'bias': np.ones(3)}
  assert fitting(right, module, (1, 2)) is right
  with refused('Dense', 'bias', '(4,)', '(3,)'):
    fitting({**right, 'bias': np.ones(4)}, module, (1, 2))
  with refused('Dense', 'bias', '(3,)'):
    fitting({'kernel': right['kernel']}, module, (1, 2))
  with refused('Dense', 'more', '(1,)'):
    fitting({**right, 'more': np.ones(1)}, module, (1, 2))


def test_fetch_is_asked_for_and_checked(places, monkeypatch, capsys):
  at = put(places / 'mirror' / 'ours-w.pth')
  file = File(at.name, at.stat().st_size, sha256(at))
  monkeypatch.setattr(weights, 'INCEPTION', OURS._replace(file=file))
  mirror = (places / 'mirror').as_uri()
  fetch.main(['fetch', mirror])
  fetched = places / 'cache' / 'weights' / 'ours-w.pth'
  assert capsys.readouterr().out.strip() == str(fetched)
  assert located(weights.INCEPTION) == fetched
  fetched.unlink()
  at.write_bytes(b'x' * file.size)
  with refused('ours-w.pth', file.sha256[:12]):
    fetch.main(['fetch', mirror])
  with refused('gan_jax.features.fetch'):
    fetch.main(['fetch', 'a', 'b'])


def test_published_digest_is_that_of_its_name():
  assert f'-{weights.INCEPTION.file.sha256[:8]}.' in weights.INCEPTION.file.name
  assert len(weights.INCEPTION.file.sha256) == 64
