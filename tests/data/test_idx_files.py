"""IDX and CIFAR-10 files, given and downloaded; the server is on this machine.

Covers: data/cifar10.py, data/download.py, data/idx.py, data/mnist.py.
"""

import gzip
import http.server
import importlib.machinery
import pickle
import shutil
import socket
import tarfile
import threading
import warnings

import numpy as np
import pytest

from gan_jax.data import download, idx
from gan_jax.data.cifar10 import cifar10
from gan_jax.data.mnist import fashion_mnist, kmnist, mnist
from tests.messages import refused, says


def idx_bytes(array):
  return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, '>u4').tobytes() + array.tobytes()


@pytest.fixture
def toy(tmp_path):
  """Ten and four made-up digits as IDX files: gzipped for training, plain for testing."""
  rng = np.random.default_rng(0)
  at, kept = tmp_path / 'idx', {}
  at.mkdir()
  for stem, n in (('train', 10), ('t10k', 4)):
    image = rng.integers(256, size=(n, 28, 28), dtype=np.uint8)
    label = (np.arange(n) % 10).astype(np.uint8)
    kept[stem] = image, label
    for name, array in ((f'{stem}-images-idx3-ubyte', image), (f'{stem}-labels-idx1-ubyte', label)):
      data = idx_bytes(array)
      if stem == 'train':
        (at / f'{name}.gz').write_bytes(gzip.compress(data))
      else:
        (at / name).write_bytes(data)
  return at, kept


@pytest.mark.parametrize('reader', [mnist, fashion_mnist, kmnist])
def test_mnist_fashion_and_kmnist_keep_values(toy, reader):
  at, kept = toy
  source = reader('train+test[:50%]', folder=str(at), check=False)
  image, label = source.arrays['image'], source.arrays['label']
  np.testing.assert_array_equal(image[..., 0], [*kept['train'][0], *kept['t10k'][0][:2]])
  assert label.tolist() == [*range(10), 0, 1]
  assert (image.dtype, label.dtype) == (np.uint8, np.int32)
  assert len(source.meta['classes']) == 10


def test_mnist_refuses_a_file_that_is_not_the_published_one(toy):
  with refused('train-images', 'check=False'):
    mnist(folder=str(toy[0]))


@pytest.mark.parametrize(
  ('damage', 'facts'),
  [
    (lambda b: b[:-1], ('7839', '[10, 28, 28]', '7840')),
    (lambda b: b + b'x', ('7841', '7840')),
    (lambda b: b'\0\0\x0d\3' + b[4:], ('00000d03',)),
    (lambda b: b'', ('file', '00000803')),
    (lambda b: b[:9], ('file', 'IDX')),
    (lambda b: gzip.compress(b)[:-5], ('file', 'end-of-stream')),
    (lambda b: b'<html>not found</html>', ('3c68746d',)),
  ],
)
def test_read_refuses_what_is_damaged(tmp_path, damage, facts):
  good = idx_bytes(np.zeros((10, 28, 28), np.uint8))
  (tmp_path / 'file').write_bytes(damage(good))
  with refused(*facts):
    idx.read(tmp_path / 'file', 3)


def test_mnist_names_missing_files(tmp_path):
  with refused(tmp_path, 'train-images-idx3-ubyte.gz'):
    mnist(folder=str(tmp_path))


def test_mnist_refuses_labels_that_do_not_match_the_images(toy):
  at, _ = toy
  labels = gzip.compress(idx_bytes(np.zeros(9, np.uint8)))
  (at / 'train-labels-idx1-ubyte.gz').write_bytes(labels)
  with refused('10', '9', "'label'"):
    mnist(folder=str(at), check=False)


def test_mnist_of_the_published_files(real_data):
  source = mnist('train+test', folder=str(real_data / 'mnist'))
  image = source.arrays['image']
  assert image.shape == (70_000, 28, 28, 1)
  assert int(image[:60_000].sum(dtype=np.int64)) == 1_567_298_545
  assert np.bincount(source.arrays['label'][:60_000]).tolist()[:3] == [5923, 6742, 5958]


# The download.


@pytest.fixture
def served(tmp_path):
  """A folder that a server shows, the requests it got; `cut` ends answers after so many bytes."""
  at = tmp_path / 'served'
  at.mkdir()
  seen: list[str | None] = []
  behaviour = {'cut': None, 'ranges': True}

  class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
      path = at / self.path.rpartition('/')[2]
      asked = self.headers.get('Range')
      seen.append(asked)
      if not path.exists():
        self.send_error(404)
        return
      start = int(asked.removeprefix('bytes=').removesuffix('-')) if asked else 0
      start = start if behaviour['ranges'] else 0
      body = path.read_bytes()[start:]
      self.send_response(206 if start else 200)
      self.send_header('Content-Length', str(len(body)))
      self.end_headers()
      self.wfile.write(body[: behaviour['cut']])

    def log_message(self, *_):
      pass

  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
  thread = threading.Thread(target=server.serve_forever, daemon=True)
  thread.start()
  yield at, f'http://127.0.0.1:{server.server_port}/', seen, behaviour
  server.shutdown()
  server.server_close()
  thread.join()


def published(at, name, data):
  (at / name).write_bytes(data)
  return download.File(name, len(data), download.sha256(at / name))


def test_fetch_arrives_and_is_not_repeated(served, tmp_path):
  at, url, seen, _ = served
  data = np.random.default_rng(0).bytes(700_000)
  file = published(at, 'set.gz', data)
  for _ in range(2):
    assert download.fetch(file, url, tmp_path / 'to').read_bytes() == data
  assert seen == [None]
  assert [p.name for p in (tmp_path / 'to').glob('set*')] == ['set.gz']


@pytest.mark.parametrize('ranges', [True, False])
def test_fetch_goes_on_where_it_was_cut(served, tmp_path, ranges):
  at, url, seen, behaviour = served
  data = np.random.default_rng(0).bytes(700_000)
  file = published(at, 'set.gz', data)
  behaviour.update(cut=200_000, ranges=ranges)
  if ranges:  # three connections bring 600,000 bytes
    with refused('set.gz', '600000', '700000'):
      download.fetch(file, url, tmp_path / 'to')
    assert seen == [None, 'bytes=200000-', 'bytes=400000-']
  else:
    with refused('set.gz', '200000', '700000'):
      download.fetch(file, url, tmp_path / 'to')
  behaviour['cut'] = None
  assert download.fetch(file, url, tmp_path / 'to').read_bytes() == data
  assert seen[-1] == ('bytes=600000-' if ranges else 'bytes=200000-')


def test_fetch_refuses_and_removes_another_digest(served, tmp_path):
  at, url, _, _ = served
  file = published(at, 'set.gz', b'right')
  (at / 'set.gz').write_bytes(b'wrong')
  with refused('set.gz', '5', file.sha256[:12]):
    download.fetch(file, url, tmp_path / 'to')
  assert not list((tmp_path / 'to').glob('set*'))
  (at / 'set.gz').write_bytes(b'right')
  assert download.fetch(file, url, tmp_path / 'to').read_bytes() == b'right'


def test_mnist_says_that_there_is_no_connection_or_no_file(served, tmp_path):
  _, url, _, _ = served
  with refused(url, '404'):
    mnist(mirror=url)
  with socket.socket() as silent:  # bound, so that nobody else answers there
    silent.bind(('127.0.0.1', 0))
    nobody = f'http://127.0.0.1:{silent.getsockname()[1]}/'
    with refused(nobody, 'Connection refused'):
      mnist(mirror=nobody)


def test_mnist_downloaded_is_that_of_the_folder(served, real_data):
  at, url, seen, _ = served
  for path in (real_data / 'mnist').glob('t10k*'):
    shutil.copy(path, at)
  given = mnist('test', folder=str(real_data / 'mnist'))
  for _ in range(2):
    source = mnist('test', mirror=url)
    np.testing.assert_array_equal(source.arrays['image'], given.arrays['image'])
  assert len(seen) == 2  # images and labels, once


# CIFAR-10.


@pytest.fixture
def batches():
  rng = np.random.default_rng(1)
  names = [*(f'data_batch_{i}' for i in range(1, 6)), 'test_batch']
  return {
    n: (rng.integers(10, size=7), rng.integers(256, size=(7, 3072), dtype=np.uint8)) for n in names
  }


def write(batches, at, form):
  at.mkdir(parents=True, exist_ok=True)
  for name, (label, planes) in batches.items():
    if form == 'bin':
      rows = np.concatenate([label[:, None].astype(np.uint8), planes], 1)
      (at / f'{name}.bin').write_bytes(rows.tobytes())
    else:
      content = {b'data': planes, b'labels': label.tolist(), b'batch_label': b'x'}
      (at / name).write_bytes(pickle.dumps(content, protocol=2))
  return at


@pytest.mark.parametrize('form', ['bin', 'pickle'])
@pytest.mark.parametrize('packing', ['folder', 'above', 'tar', 'tar itself'])
def test_cifar10_forms_agree(tmp_path, batches, form, packing):
  inner = 'cifar-10-batches-bin' if form == 'bin' else 'cifar-10-batches-py'
  at = write(batches, tmp_path / inner, form)
  given = at
  if packing == 'above':
    given = tmp_path
  if packing.startswith('tar'):
    name = 'cifar-10-binary.tar.gz' if form == 'bin' else 'cifar-10-python.tar.gz'
    (tmp_path / 'tars').mkdir()
    with tarfile.open(tmp_path / 'tars' / name, 'w:gz') as archive:
      archive.add(at, inner)
    given = tmp_path / 'tars' / (name if packing == 'tar itself' else '')
  source = cifar10('train+test', folder=str(given), check=False)
  image, label = source.arrays['image'], source.arrays['label']
  planes = np.concatenate([p for _, p in batches.values()])
  assert image.shape == (42, 32, 32, 3)
  np.testing.assert_array_equal(image.transpose(0, 3, 1, 2).reshape(42, -1), planes)
  np.testing.assert_array_equal(label, np.concatenate([y for y, _ in batches.values()]))


def test_cifar10_uses_a_partial_set_and_says_so(tmp_path, batches, caplog):
  some = {n: batches[n] for n in ('data_batch_1', 'data_batch_3')}
  source = cifar10(folder=str(write(some, tmp_path / 'some', 'bin')))
  assert len(source) == 14
  assert source.meta['batches'] == ['data_batch_1', 'data_batch_3']
  (line,) = [r.getMessage() for r in caplog.records if 'CIFAR-10' in r.getMessage()]
  says(line, 'data_batch_1, data_batch_3', 'data_batch_2, data_batch_4, data_batch_5')
  with refused('test_batch'):
    cifar10('test', folder=str(tmp_path / 'some'))


def test_cifar10_refuses_a_hostile_pickle(tmp_path):
  (tmp_path / 'data_batch_1').write_bytes(pickle.dumps(shutil.rmtree, protocol=2))
  with refused('data_batch_1', 'shutil.rmtree'):
    cifar10(folder=str(tmp_path))


def test_cifar10_refuses_what_is_damaged(tmp_path):
  with refused(tmp_path, 'CIFAR-10', 'data_batch_1'):
    cifar10(folder=str(tmp_path))
  (tmp_path / 'data_batch_1.bin').write_bytes(b'\1' * 3000)
  with refused('data_batch_1', '3000', '3073'):
    cifar10(folder=str(tmp_path))
  (tmp_path / 'data_batch_1.bin').write_bytes(b'\x63' * 3073)
  with refused('data_batch_1', '99'):
    cifar10(folder=str(tmp_path))
  broken = tmp_path / 'tar' / 'cifar-10-binary.tar.gz'
  broken.parent.mkdir()
  broken.write_bytes(b'\x1f\x8b' + b'0' * 50)
  with refused(broken, 'check=False'):
    cifar10(folder=str(broken.parent))
  with refused(broken, '.tar.gz'):
    cifar10(folder=str(broken), check=False)


def test_cifar10_reads_pickles_of_python_2(tmp_path):
  """The published batches were written by Python 2 and an old numpy: same opcodes, by hand."""
  planes = np.arange(3072, dtype=np.uint8)[None].repeat(2, 0)
  data = pickle.dumps({'data': planes, 'labels': [3, 4]}, protocol=2)
  data = data.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')
  (tmp_path / 'data_batch_1').write_bytes(
    data.replace(b'X\x04\0\0\0data', b'U\x04data').replace(b'X\x06\0\0\0labels', b'U\x06labels')
  )
  assert cifar10(folder=str(tmp_path)).arrays['label'].tolist() == [3, 4]


@pytest.mark.slow  # ten thousand images, written and read
def test_cifar10_of_a_published_batch(real_data, tmp_path):
  """One real batch, written as published by the script that lies beside the images."""
  load = importlib.machinery.SourceFileLoader('load', str(real_data / 'load.py')).load_module
  with warnings.catch_warnings():
    warnings.simplefilter('ignore', DeprecationWarning)
    image, label = load().npz(real_data / 'cifar10_train_batch1.npz')
  planes = image.transpose(0, 3, 1, 2).reshape(-1, 3072)
  rows = np.concatenate([label[:, None].astype(np.uint8), planes], 1)
  (tmp_path / 'data_batch_1.bin').write_bytes(rows.tobytes())
  source = cifar10(folder=str(tmp_path))
  np.testing.assert_array_equal(source.arrays['image'], image)
  np.testing.assert_array_equal(source.arrays['label'], label)
  mean = source.arrays['image'].mean((0, 1, 2)) / 255
  np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=4e-3)
