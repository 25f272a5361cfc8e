"""LSUN databases as LSUN has them: key = a hash in hexadecimal, value = webp bytes.

Covers: data/flow.py.
"""

import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import sys

import jax
import lmdb
import numpy as np
import pytest
from PIL import Image

from gan_jax import assemble, runs, train
from gan_jax.data import flow
from gan_jax.data import lsun as packer
from gan_jax.data.lsun import lsun
from tests import commands
from tests.configs import perceptrons, tiny
from tests.messages import refused, says

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


def test_lsun_is_what_was_decoded_in_the_order_of_the_keys(tmp_path, caplog):
  values = database(tmp_path / 'bedroom_train_lmdb', 150, bad=(7, 130))
  source = lsun(path=str(tmp_path / 'bedroom_train_lmdb'), size=16)
  assert source.arrays['image'].shape == (148, 16, 16, 3)
  assert isinstance(source.arrays['image'], np.memmap)
  np.testing.assert_array_equal(source.arrays['image'], expected(values, 16))
  assert source.meta['skipped']['count'] == 2
  keys = [hashlib.sha1(b'%d' % i).hexdigest() for i in (7, 130)]
  assert sorted(source.meta['skipped']['names']) == sorted(keys)
  (line,) = [r.getMessage() for r in caplog.records if 'bedroom_train_lmdb' in r.getMessage()]
  says(line, '2 of 150')
  at = pathlib.Path(source.meta['where'])
  assert sorted(p.name for p in at.iterdir()) == ['image.npy', 'meta.json']


def test_lsun_of_several_processes_is_the_same(tmp_path):
  values = database(tmp_path / 'bedroom_train_lmdb', 200)
  source = lsun(path=str(tmp_path / 'bedroom_train_lmdb'), size=8, processes=2)
  np.testing.assert_array_equal(source.arrays['image'], expected(values, 8))


def test_lsun_limit_split_category_and_moving(tmp_path):
  at = tmp_path / 'lsun'
  values = database(at / 'bedroom_train_lmdb', 30)
  database(at / 'bedroom_val_lmdb', 9, seed=1)
  source = lsun(path=str(at), size=8, limit=12)
  np.testing.assert_array_equal(source.arrays['image'], expected(values[:12], 8))
  assert len(lsun(path=str(at), split='train+val', size=8)) == 39
  assert len(lsun(path=str(at / 'bedroom_val_lmdb'), split='val[:4]', size=8)) == 4
  with refused("'train'", 'val'):
    lsun(path=str(at / 'bedroom_val_lmdb'), size=8)
  database(at / 'church_outdoor_train_lmdb', 5, seed=2)
  with refused('bedroom, church_outdoor', 'category='):
    lsun(path=str(at), size=8)
  assert len(lsun(path=str(at), category='church_outdoor', size=8)) == 5
  shutil.move(at, tmp_path / 'moved')
  again = lsun(path=str(tmp_path / 'moved'), category='bedroom', size=8, limit=12)
  assert again.meta['where'] == source.meta['where']


def killed(path):
  """Ends itself within the third chunk of a pack."""
  record = packer._record

  def stop(to, state):
    record(to, state)
    if state['seen'] >= 128:
      with open(to / 'image.npy', 'ab') as file:
        file.write(b'half a row')
      os.kill(os.getpid(), signal.SIGKILL)

  packer._record = stop
  lsun(path=path, size=8)


def test_lsun_goes_on_where_it_was_killed(tmp_path, cache, monkeypatch):
  values = database(tmp_path / 'bedroom_train_lmdb', 300, bad=(3, 299))
  path = str(tmp_path / 'bedroom_train_lmdb')
  done = commands.call(killed, path, GAN_JAX_DATA=str(cache)).ended()
  assert done.status == -signal.SIGKILL, done.err
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


def test_lsun_says_that_a_disk_is_too_small_before_the_work(tmp_path, monkeypatch):
  database(tmp_path / 'bedroom_train_lmdb', 10)
  usage = shutil.disk_usage(tmp_path)
  monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage._replace(free=100))
  with refused('GAN_JAX_DATA', 'size=', 'limit='):
    lsun(path=str(tmp_path / 'bedroom_train_lmdb'), size=8)


def test_lsun_refuses_what_is_no_database(tmp_path):
  with refused(tmp_path, 'data.mdb'):
    lsun(path=str(tmp_path))
  at = tmp_path / 'bedroom_train_lmdb'
  at.mkdir()
  (at / 'data.mdb').write_bytes(b'x' * 5000)
  with refused(at, 'LMDB'):
    lsun(path=str(at))
  shutil.rmtree(at)
  database(at, 5, bad=range(5))
  with refused(at, '5'):
    lsun(path=str(at))
  with refused('limit=0'):
    lsun(path=str(at), limit=0)


def test_lsun_without_lmdb_says_what_to_install(tmp_path, monkeypatch):
  database(tmp_path / 'bedroom_train_lmdb', 5)
  monkeypatch.setitem(sys.modules, 'lmdb', None)
  with refused("pip install 'gan_jax[lsun]'"):
    lsun(path=str(tmp_path / 'bedroom_train_lmdb'))


@pytest.mark.parametrize('run', [flow.threads, flow.processes])
def test_threads_and_processes_draw_no_more_than_a_window(run):
  drawn = []

  def items():
    for i in range(1000):
      drawn.append(i)
      yield i

  results = run(abs, items(), 2)
  assert [next(results) for _ in range(5)] == list(range(5))
  assert len(drawn) <= 5 + 8
  results.close()


def test_processes_refuse_to_go_on_without_one_that_died():
  with refused('2 processes', 'processes='):
    list(flow.processes(os._exit, [1] * 20, 2))


def test_lsun_gives_dcgan_lsun_what_its_networks_are_tried_on(tmp_path):
  """Images as those on which all experiments are tried, which are drawn."""
  database(tmp_path / 'bedroom_train_lmdb', 5)
  config = tiny('dcgan_lsun')
  seen = assemble.transform(config)
  drawn = assemble.facts(assemble.open_source(config), seen)
  at = str(tmp_path / 'bedroom_train_lmdb')
  config['data'] = dict(name='lsun', path=at, size=drawn.shape[0])
  read = assemble.facts(assemble.open_source(config), seen)
  assert read.shape == drawn.shape
  assert read.range == drawn.range
  assert read.columns['image'] == drawn.columns['image']


def test_run_of_dcgan_lsun_trains_end_to_end_from_a_database(tmp_path):
  """By small perceptrons, which compile in less time than its own networks."""
  database(tmp_path / 'bedroom_train_lmdb', 40, bad=(3,))
  config = tiny('dcgan_lsun') | {'devices': 1, 'nets': perceptrons()['nets']}
  config['data'] = dict(name='lsun', path=str(tmp_path / 'bedroom_train_lmdb'), size=8)
  state = train.run(config, tmp_path / 'run')
  assert int(state.step) == 4
  facts = json.loads((tmp_path / 'run' / 'facts.json').read_text())
  assert facts['meta']['name'] == 'lsun'
  assert facts['meta']['skipped']['count'] == 1
  images = runs.sampler(tmp_path / 'run').draw(jax.random.key(0), 3)
  assert images.shape == (3, 8, 8, 3)
  assert (tmp_path / 'run' / 'samples.gif').exists()
