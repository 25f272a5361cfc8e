import contextlib
import errno
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from gan_jax.data import npy, pack
from gan_jax.data.packed import packed
from gan_jax.errors import InputError

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


def test_pack_equals_what_was_written(made, cache):
  at, source = made
  np.testing.assert_array_equal(source.arrays['image'], IMAGE)
  assert isinstance(source.arrays['image'], np.memmap)
  assert sorted(p.name for p in at.iterdir()) == ['image.npy', 'label.npy', 'meta.json']
  assert [p.name for p in cache.iterdir() if p.is_dir()] == [at.name]
  assert pack.verify(at) == IMAGE.nbytes + 80
  other = pack.packed('toy', {'a': 2}, write)
  assert other.meta['where'] != str(at)
  assert other.meta['sha256'] == source.meta['sha256']


def test_a_copied_pack_is_read_by_itself(made, tmp_path):
  at, _ = made
  at.rename(tmp_path / 'elsewhere')
  np.testing.assert_array_equal(packed(str(tmp_path / 'elsewhere')).arrays['image'], IMAGE)
  assert len(packed(str(tmp_path / 'elsewhere'), 'train[:25%]')) == 5
  with pytest.raises(InputError, match='no packed set'):
    packed(str(tmp_path))


@pytest.mark.parametrize(
  ('damage', 'message'),
  [
    (lambda at: os.truncate(at / 'image.npy', 700), 'damaged or no .npy'),
    (lambda at: os.truncate(at / 'image.npy', 10), 'damaged or no .npy'),
    (lambda at: (at / 'label.npy').unlink(), 'label.npy is damaged'),
    (lambda at: np.save(at / 'label.npy', np.arange(19, dtype=np.int32)), 'label.npy is'),
    (lambda at: (at / 'meta.json').write_text('{"na'), 'meta.json cannot be read'),
  ],
)
def test_damage_is_noticed_at_once(made, damage, message):
  at, _ = made
  damage(at)
  with pytest.raises(InputError, match=message):
    pack.packed('toy', {'a': 1}, write)


def test_a_flipped_bit_is_noticed_by_verify(made):
  at, _ = made
  data = bytearray((at / 'image.npy').read_bytes())
  data[-7] ^= 1
  (at / 'image.npy').write_bytes(bytes(data))
  assert len(pack.read(at)) == 20  # sizes are right
  with pytest.raises(InputError, match=r'image\.npy are not those that were packed'):
    pack.verify(at)


@pytest.mark.parametrize('resumable', [False, True])
def test_a_full_disk_is_a_sentence(cache, monkeypatch, resumable):
  def full(descriptor):
    raise OSError(errno.ENOSPC, 'No space left on device')

  with monkeypatch.context() as patch:
    patch.setattr(os, 'fsync', full)
    with pytest.raises(InputError, match='the disk is full') as caught:
      pack.packed('toy', {}, write, resumable=resumable)
  assert '\n' not in str(caught.value)
  left = [p.name for p in cache.iterdir() if p.is_dir()]
  assert bool(left) == resumable
  assert all(name.endswith('.partial') for name in left)
  assert len(pack.packed('toy', {}, write, resumable=resumable)) == 20  # and room was made


def test_an_error_leaves_nothing(cache):
  with pytest.raises(ZeroDivisionError):
    pack.packed('toy', {}, lambda to: write(to) and 1 / 0)
  assert not [p for p in cache.iterdir() if p.is_dir()]


KILLED = """
import os, signal, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from gan_jax.data import pack
import test_pack
def write(to):
  test_pack.write(to)
  os.kill(os.getpid(), signal.SIGKILL)
pack.packed('toy', {}, write)
"""


def test_killed_in_the_middle_leaves_nothing_that_is_taken_for_whole(cache):
  done = subprocess.run([sys.executable, '-c', KILLED, __file__], check=False)
  assert done.returncode == -signal.SIGKILL
  assert [p.name[-8:] for p in cache.iterdir() if p.is_dir()] == ['.partial']
  np.testing.assert_array_equal(pack.packed('toy', {}, write).arrays['image'], IMAGE)
  assert not list(cache.glob('.*.partial'))


def slow(to):
  import time

  with open(to.parent / 'writers', 'a') as file:
    file.write('x')
  time.sleep(0.5)
  return write(to)


def racer(queue):
  queue.put(len(pack.packed('toy', {}, slow)))


def test_two_processes_pack_once(cache):
  context = multiprocessing.get_context('spawn')
  queue = context.Queue()
  both = [context.Process(target=racer, args=(queue,)) for _ in range(2)]
  for process in both:
    process.start()
  assert [queue.get(timeout=60) for _ in both] == [20, 20]
  for process in both:
    process.join()
  assert (cache / 'writers').read_text() == 'x'


def test_appended_file_is_a_plain_npy_and_can_be_gone_on_with(tmp_path):
  path = tmp_path / 'a.npy'
  with contextlib.suppress(KeyError), npy.appending(path, (4, 5, 3), 'uint8') as append:
    append(IMAGE[:9])
    raise KeyError  # as good as killed: the header was not written again
  with npy.appending(path, (4, 5, 3), 'uint8', keep=6) as append:
    append(IMAGE[6:])
  np.testing.assert_array_equal(np.load(path), IMAGE)
  for n in (0, 1, 10**12):
    assert len(npy.header((4, 5, 3), 'uint8', n)) == len(npy.header((4, 5, 3), 'uint8', 7))


def test_the_cache_can_be_unusable(tmp_path, monkeypatch):
  (tmp_path / 'file').write_text('')
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'file' / 'below'))
  with pytest.raises(InputError, match='set GAN_JAX_DATA'):
    pack.packed('toy', {}, write)


def test_sidecar_says_what_and_whence(made):
  meta = json.loads((made[0] / 'meta.json').read_text())
  assert meta['origin'] == 'here'
  assert meta['recipe'] == {'a': 1}
  assert meta['columns']['image'] == {'dtype': 'uint8', 'shape': [20, 4, 5, 3]}
  assert set(meta['sha256']) == {'image', 'label'}
  assert {'gan_jax', 'numpy'} <= set(meta['versions'])
