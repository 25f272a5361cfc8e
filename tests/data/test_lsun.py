"""LSUN databases as LSUN has them: key = a hash in hexadecimal, value = webp bytes."""

import hashlib
import io
import json
import pathlib
import runpy
import shutil
import signal
import subprocess
import sys

import jax
import lmdb
import numpy as np
import pytest
from PIL import Image

from gan_jax import config as configs
from gan_jax import runs, train
from gan_jax.data import flow
from gan_jax.data.lsun import lsun
from gan_jax.errors import InputError

BAD = b'this is no image'


def database(at, count, bad=(), seed=0):
  """A synthetic `*_lmdb` folder; -> the values in the order of their keys."""
  rng = np.random.default_rng(seed)
  values = {}
  for i in range(count):
    shape = [(24, 36), (36, 24), (24, 24)][i % 3]
    small = rng.integers(256, size=(4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize(shape[::-1]).save(buffer, 'webp' if i % 5 else 'jpeg', quality=75)
    value = BAD if i in bad else buffer.getvalue()
    values[hashlib.sha1(b'%d' % i).hexdigest().encode()] = value
  at.mkdir(parents=True)
  with lmdb.open(str(at), map_size=1 << 24) as db, db.begin(write=True) as transaction:
    for key, value in values.items():
      transaction.put(key, value)
  return [values[k] for k in sorted(values)]


def expected(values, size):
  out = []
  for value in values:
    if value != BAD:
      with Image.open(io.BytesIO(value)) as image:
        rgb = np.asarray(image.convert('RGB'))
      side = min(rgb.shape[:2])
      top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
      cut = Image.fromarray(rgb[top : top + side, left : left + side])
      out.append(np.asarray(cut.resize((size, size), Image.Resampling.LANCZOS)))
  return np.stack(out)


def test_pack_equals_what_was_decoded_in_the_order_of_the_keys(tmp_path, caplog):
  values = database(tmp_path / 'bedroom_train_lmdb', 150, bad=(7, 130))
  source = lsun(path=str(tmp_path / 'bedroom_train_lmdb'), size=16)
  assert source.arrays['image'].shape == (148, 16, 16, 3)
  assert isinstance(source.arrays['image'], np.memmap)
  np.testing.assert_array_equal(source.arrays['image'], expected(values, 16))
  assert source.meta['skipped']['count'] == 2
  keys = [hashlib.sha1(b'%d' % i).hexdigest() for i in (7, 130)]
  assert sorted(source.meta['skipped']['names']) == sorted(keys)
  assert len([r for r in caplog.records if '2 of 150 values are no image' in r.getMessage()]) == 1
  at = pathlib.Path(source.meta['where'])
  assert sorted(p.name for p in at.iterdir()) == ['image.npy', 'meta.json']


def test_processes_give_the_same(tmp_path):
  values = database(tmp_path / 'bedroom_train_lmdb', 200)
  source = lsun(path=str(tmp_path / 'bedroom_train_lmdb'), size=8, processes=2)
  np.testing.assert_array_equal(source.arrays['image'], expected(values, 8))


def test_limit_split_category_and_moving(tmp_path):
  at = tmp_path / 'lsun'
  values = database(at / 'bedroom_train_lmdb', 30)
  database(at / 'bedroom_val_lmdb', 9, seed=1)
  source = lsun(path=str(at), size=8, limit=12)
  np.testing.assert_array_equal(source.arrays['image'], expected(values[:12], 8))
  assert len(lsun(path=str(at), split='train+val', size=8)) == 39
  assert len(lsun(path=str(at / 'bedroom_val_lmdb'), split='val[:4]', size=8)) == 4
  with pytest.raises(InputError, match="no split 'train'; it has val"):
    lsun(path=str(at / 'bedroom_val_lmdb'), size=8)
  database(at / 'church_outdoor_train_lmdb', 5, seed=2)
  with pytest.raises(InputError, match='bedroom, church_outdoor: say which by category='):
    lsun(path=str(at), size=8)
  assert len(lsun(path=str(at), category='church_outdoor', size=8)) == 5
  shutil.move(at, tmp_path / 'moved')
  again = lsun(path=str(tmp_path / 'moved'), category='bedroom', size=8, limit=12)
  assert again.meta['where'] == source.meta['where']


KILLED = """
import os, signal, sys
from gan_jax.data import lsun
record = lsun._record
def stop(to, state):
  record(to, state)
  if state['seen'] >= 128:
    with open(to / 'image.npy', 'ab') as file:
      file.write(b'half a row')
    os.kill(os.getpid(), signal.SIGKILL)
lsun._record = stop
lsun.lsun(path=sys.argv[1], size=8)
"""


def test_killed_and_resumed(tmp_path, cache, monkeypatch):
  values = database(tmp_path / 'bedroom_train_lmdb', 300, bad=(3, 299))
  path = str(tmp_path / 'bedroom_train_lmdb')
  done = subprocess.run([sys.executable, '-c', KILLED, path], check=False, capture_output=True)
  assert done.returncode == -signal.SIGKILL, done.stderr
  assert [p.name[-8:] for p in cache.iterdir() if p.is_dir()] == ['.partial']
  decoded = []
  original = flow.processes

  def counted(work, items, workers):
    return original(lambda chunk: decoded.extend(chunk) or work(chunk), items, workers)

  monkeypatch.setattr(flow, 'processes', counted)
  source = lsun(path=path, size=8)
  assert len(decoded) == 300 - 128  # the first 128 were not decoded again
  np.testing.assert_array_equal(source.arrays['image'], expected(values, 8))
  assert source.meta['skipped']['count'] == 2


def test_a_disk_that_is_too_small_is_said_before_the_work(tmp_path, monkeypatch):
  database(tmp_path / 'bedroom_train_lmdb', 10)
  usage = shutil.disk_usage(tmp_path)
  monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage._replace(free=100))
  with pytest.raises(InputError, match='make room, set GAN_JAX_DATA'):
    lsun(path=str(tmp_path / 'bedroom_train_lmdb'), size=8)


def test_what_is_no_database_is_a_sentence(tmp_path):
  with pytest.raises(InputError, match='there is no LSUN database at'):
    lsun(path=str(tmp_path))
  at = tmp_path / 'bedroom_train_lmdb'
  at.mkdir()
  (at / 'data.mdb').write_bytes(b'x' * 5000)
  with pytest.raises(InputError, match='is not a readable LMDB database'):
    lsun(path=str(at))
  shutil.rmtree(at)
  database(at, 5, bad=range(5))
  with pytest.raises(InputError, match='not one of the 5 values'):
    lsun(path=str(at))
  with pytest.raises(InputError, match='right would be a limit'):
    lsun(path=str(at), limit=0)


def test_without_lmdb_it_says_what_to_install(tmp_path, monkeypatch):
  database(tmp_path / 'bedroom_train_lmdb', 5)
  monkeypatch.setitem(sys.modules, 'lmdb', None)
  with pytest.raises(InputError, match=r"pip install 'gan_jax\[lsun\]'"):
    lsun(path=str(tmp_path / 'bedroom_train_lmdb'))


@pytest.mark.parametrize('run', [flow.threads, flow.processes])
def test_no_more_than_a_window_is_drawn(run):
  drawn = []

  def items():
    for i in range(1000):
      drawn.append(i)
      yield i

  results = run(abs, items(), 2)
  assert [next(results) for _ in range(5)] == list(range(5))
  assert len(drawn) <= 5 + 8
  results.close()


def test_a_worker_that_dies_is_a_sentence():
  import os

  with pytest.raises(InputError, match='one of the 2 processes died'):
    list(flow.processes(os._exit, [1] * 20, 2))


def test_dcgan_lsun_trains_end_to_end_from_a_database(tmp_path):
  database(tmp_path / 'bedroom_train_lmdb', 40, bad=(3,))
  file = pathlib.Path(__file__).parents[2] / 'experiments' / 'dcgan_lsun.py'
  config = configs.plain(runpy.run_path(str(file))['get_config']('tiny'))
  config['data'] = dict(name='lsun', path=str(tmp_path / 'bedroom_train_lmdb'), size=64)
  state = train.run(config, tmp_path / 'run')
  assert int(state.step) == 4
  facts = json.loads((tmp_path / 'run' / 'facts.json').read_text())
  assert facts['meta']['name'] == 'lsun'
  assert facts['meta']['skipped']['count'] == 1
  images = runs.sampler(tmp_path / 'run').draw(jax.random.key(0), 3)
  assert images.shape == (3, 64, 64, 3)
  assert (tmp_path / 'run' / 'samples.gif').exists()
