"""Where weights are looked for, how they are checked, converted and fetched."""

import base64
import zlib

import flax.linen as nn
import numpy as np
import pytest

from gan_jax.data.download import File, sha256
from gan_jax.errors import InputError
from gan_jax.features import fetch, weights
from gan_jax.features.weights import Published, fitting, load, located
from tests.features.test_pth import SMALL

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


def test_a_file_is_looked_for_where_it_was_said_then_in_the_cache_then_in_the_hub(
  places, monkeypatch
):
  hub = put(places / 'torch' / 'hub' / 'checkpoints' / 'o.pth')
  assert located(OURS) == hub
  cached = put(places / 'cache' / 'weights' / 'ours-w.pth')
  assert located(OURS) == cached
  said = put(places / 'said.pth')
  monkeypatch.setenv(OURS.variable, str(said))
  assert located(OURS) == said
  assert located(OURS, hub) == hub


def test_where_there_is_none_it_says_what_to_put_where(places):
  with pytest.raises(InputError) as told:
    located(OURS)
  for part in (str(places / 'cache' / 'weights'), 'ours-w.pth', 'GAN_JAX_OURS=', 'path=', 'ffff'):
    assert part in str(told.value)
  assert 'python -m gan_jax.features.fetch' in str(told.value)
  with pytest.raises(InputError, match=r'weights: put ours-w\.pth there'):
    located(OURS._replace(base=''))
  with pytest.raises(InputError, match=r'there is no file .*absent\.pth'):
    located(OURS, places / 'absent.pth')


def test_a_file_that_is_not_what_its_name_says_is_refused(places):
  digest = sha256(put(places / 'w.pth'))[:8]
  right, wrong = put(places / f'w-{digest}.pth'), put(places / 'w-01234567.pth')
  assert located(OURS, right) == right
  with pytest.raises(InputError, match=rf'SHA-256 is {digest}\.\.\., not 01234567'):
    located(OURS, wrong)


def test_a_file_is_converted_once(places):
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


def test_an_npz_by_the_same_names_will_do(places):
  at = places / 'w.npz'
  np.savez(at, w=np.ones((2, 2)))
  params, digest = load(at, doubled)
  assert digest == sha256(at)
  np.testing.assert_array_equal(params['layer']['kernel'], np.full((2, 2), 2))
  at.write_bytes(b'no archive')
  with pytest.raises(InputError, match=r'cannot be read as \.npz'):
    load(at, doubled)


def test_weights_that_do_not_fit_are_refused_by_name():
  module = nn.Dense(3)
  right = {'kernel': np.ones((2, 3)), 'bias': np.ones(3)}
  assert fitting(right, module, (1, 2)) is right
  with pytest.raises(InputError, match=r'of Dense: bias is \(4,\), and should be \(3,\)'):
    fitting({**right, 'bias': np.ones(4)}, module, (1, 2))
  with pytest.raises(InputError, match='of Dense: bias is not there, and should be'):
    fitting({'kernel': right['kernel']}, module, (1, 2))
  with pytest.raises(InputError, match=r'of Dense: more is \(1,\), and should be not there'):
    fitting({**right, 'more': np.ones(1)}, module, (1, 2))


def test_fetching_is_asked_for_and_checked(places, monkeypatch, capsys):
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
  with pytest.raises(InputError, match='is not the published file'):
    fetch.main(['fetch', mirror])
  with pytest.raises(InputError, match='usage'):
    fetch.main(['fetch', 'a', 'b'])


def test_the_published_digest_is_that_of_its_name():
  assert f'-{weights.INCEPTION.file.sha256[:8]}.' in weights.INCEPTION.file.name
  assert len(weights.INCEPTION.file.sha256) == 64
