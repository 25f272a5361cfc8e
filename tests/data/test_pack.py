"""Packs: what is written once, whole or not at all, and read as it was written.

Covers: data/npy.py, data/packed.py.
"""

import contextlib
import errno
import json
import os
import pathlib
import signal
import time

import numpy as np
import pytest

from gan_jax.data import npy, pack
from gan_jax.data.packed import packed
from tests import commands
from tests.messages import refused

IMAGE = np.random.default_rng(0).integers(256, size=(20, 4, 5, 3), dtype=np.uint8)


def write(to):
  with npy.appending(to / 'image.npy', (4, 5, 3), 'uint8') as append:
    append(IMAGE[:13])
    append(IMAGE[13:])
  np.save(to / 'label.npy', np.arange(20, dtype=np.int32))
  return {'name': 'toy', 'split': 'train', 'origin': 'here'}


@pytest.fixture
def made():
  source = pack.packed('toy', {'a': 1}, write)
  return pathlib.Path(source.meta['where']), source


def test_packed_equals_what_was_written(made, cache):
  at, source = made
  np.testing.assert_array_equal(source.arrays['image'], IMAGE)
  assert isinstance(source.arrays['image'], np.memmap)
  assert sorted(p.name for p in at.iterdir()) == ['image.npy', 'label.npy', 'meta.json']
  assert [p.name for p in cache.iterdir() if p.is_dir()] == [at.name]
  assert pack.verify(at) == IMAGE.nbytes + 80
  other = pack.packed('toy', {'a': 2}, write)
  assert other.meta['where'] != str(at)
  assert other.meta['sha256'] == source.meta['sha256']


def test_packed_reads_a_copied_pack_by_itself(made, tmp_path):
  at, _ = made
  at.rename(tmp_path / 'elsewhere')
  np.testing.assert_array_equal(packed(str(tmp_path / 'elsewhere')).arrays['image'], IMAGE)
  assert len(packed(str(tmp_path / 'elsewhere'), 'train[:25%]')) == 5
  with refused(tmp_path, 'meta.json'):
    packed(str(tmp_path))


@pytest.mark.parametrize(
  ('damage', 'file'),
  [
    (lambda at: os.truncate(at / 'image.npy', 700), 'image.npy'),
    (lambda at: os.truncate(at / 'image.npy', 10), 'image.npy'),
    (lambda at: (at / 'label.npy').unlink(), 'label.npy'),
    (lambda at: np.save(at / 'label.npy', np.arange(19, dtype=np.int32)), 'label.npy'),
    (lambda at: (at / 'meta.json').write_text('{"na'), 'meta.json'),
  ],
)
def test_packed_notices_damage_at_once(made, damage, file):
  at, _ = made
  damage(at)
  with refused(at, file):
    pack.packed('toy', {'a': 1}, write)


def test_verify_notices_a_flipped_bit(made):
  at, _ = made
  data = bytearray((at / 'image.npy').read_bytes())
  data[-7] ^= 1
  (at / 'image.npy').write_bytes(bytes(data))
  assert len(pack.read(at)) == 20  # sizes are right
  with refused('image.npy'):
    pack.verify(at)


@pytest.mark.parametrize('resumable', [False, True])
def test_packed_says_that_the_disk_is_full(cache, monkeypatch, resumable):
  def full(descriptor):
    raise OSError(errno.ENOSPC, 'No space left on device')

  with monkeypatch.context() as patch:
    patch.setattr(os, 'fsync', full)
    with refused('GAN_JAX_DATA', 'toy') as caught:
      pack.packed('toy', {}, write, resumable=resumable)
  assert '\n' not in str(caught.value)
  left = [p.name for p in cache.iterdir() if p.is_dir()]
  assert bool(left) == resumable
  assert all(name.endswith('.partial') for name in left)
  assert len(pack.packed('toy', {}, write, resumable=resumable)) == 20  # and room was made


def test_packed_leaves_nothing_of_an_error(cache):
  with pytest.raises(ZeroDivisionError):
    pack.packed('toy', {}, lambda to: write(to) and 1 / 0)
  assert not [p for p in cache.iterdir() if p.is_dir()]


def killed():
  """Ends itself when all is written, before it is said to be whole."""

  def write_and_die(to):
    write(to)
    os.kill(os.getpid(), signal.SIGKILL)

  pack.packed('toy', {}, write_and_die)


def test_packed_takes_nothing_for_whole_that_was_killed_midway(cache):
  done = commands.call(killed, GAN_JAX_DATA=str(cache)).ended()
  assert done.status == -signal.SIGKILL, done.err
  assert [p.name[-8:] for p in cache.iterdir() if p.is_dir()] == ['.partial']
  np.testing.assert_array_equal(pack.packed('toy', {}, write).arrays['image'], IMAGE)
  assert not list(cache.glob('.*.partial'))


def mark(file):
  with open(file, 'a') as marks:
    marks.write('x')


def racer(at):
  """Packs; who comes first does not end before the other, too, has found nothing there."""
  lock = pack.cache.lock

  def lock_once_seen(target):
    mark(at / 'begun')
    return lock(target)

  def write_beside_another(to):
    mark(at / 'writers')
    while len((at / 'begun').read_text()) < 2:
      time.sleep(0.01)
    return write(to)

  pack.cache.lock = lock_once_seen
  print(len(pack.packed('toy', {}, write_beside_another)))


def test_packed_by_two_processes_is_written_once(cache, tmp_path):
  both = [commands.call(racer, tmp_path, GAN_JAX_DATA=str(cache)) for _ in range(2)]
  assert [one.ended().out for one in both] == ['20\n', '20\n']
  assert (tmp_path / 'writers').read_text() == 'x'


def test_appending_makes_a_plain_npy_and_goes_on_with_one(tmp_path):
  path = tmp_path / 'a.npy'
  with contextlib.suppress(KeyError), npy.appending(path, (4, 5, 3), 'uint8') as append:
    append(IMAGE[:9])
    raise KeyError  # as good as killed: the header was not written again
  with npy.appending(path, (4, 5, 3), 'uint8', keep=6) as append:
    append(IMAGE[6:])
  np.testing.assert_array_equal(np.load(path), IMAGE)
  for n in (0, 1, 10**12):
    assert len(npy.header((4, 5, 3), 'uint8', n)) == len(npy.header((4, 5, 3), 'uint8', 7))


def test_packed_says_that_the_cache_is_unusable(tmp_path, monkeypatch):
  (tmp_path / 'file').write_text('')
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'file' / 'below'))
  with refused('GAN_JAX_DATA', tmp_path / 'file' / 'below'):
    pack.packed('toy', {}, write)


def test_packed_has_a_sidecar_that_says_what_and_whence(made):
  meta = json.loads((made[0] / 'meta.json').read_text())
  assert meta['origin'] == 'here'
  assert meta['recipe'] == {'a': 1}
  assert meta['columns']['image'] == {'dtype': 'uint8', 'shape': [20, 4, 5, 3]}
  assert set(meta['sha256']) == {'image', 'label'}
  assert {'gan_jax', 'numpy'} <= set(meta['versions'])
