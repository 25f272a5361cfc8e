"""MNIST and the sets that took its form: the four IDX files, given or downloaded."""

import pathlib
from collections.abc import Sequence

import numpy as np

from gan_jax.data import cache, download, idx
from gan_jax.data import split as splits
from gan_jax.data.download import File
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError

# Sizes and digests: tensorflow-datasets' url_checksums.
_MNIST = {
  'train': (
    File(
      'train-images-idx3-ubyte.gz',
      9912422,
      '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    ),
    File(
      'train-labels-idx1-ubyte.gz',
      28881,
      '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    ),
  ),
  'test': (
    File(
      't10k-images-idx3-ubyte.gz',
      1648877,
      '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    ),
    File(
      't10k-labels-idx1-ubyte.gz',
      4542,
      'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    ),
  ),
}
_FASHION = {
  'train': (
    File(
      'train-images-idx3-ubyte.gz',
      26421880,
      '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    ),
    File(
      'train-labels-idx1-ubyte.gz',
      29515,
      'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    ),
  ),
  'test': (
    File(
      't10k-images-idx3-ubyte.gz',
      4422102,
      '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    ),
    File(
      't10k-labels-idx1-ubyte.gz',
      5148,
      '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    ),
  ),
}
_KMNIST = {
  'train': (
    File(
      'train-images-idx3-ubyte.gz',
      18165135,
      '51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4',
    ),
    File(
      'train-labels-idx1-ubyte.gz',
      29497,
      'e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17',
    ),
  ),
  'test': (
    File(
      't10k-images-idx3-ubyte.gz',
      3041136,
      'edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5',
    ),
    File(
      't10k-labels-idx1-ubyte.gz',
      5120,
      '20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c',
    ),
  ),
}
_FASHION_CLASSES = (
  'T-shirt/top',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle boot',
)
_KMNIST_CLASSES = ('o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo')


def mnist(
  split: str = 'train',
  folder: str | None = None,
  mirror: str = 'https://storage.googleapis.com/cvdf-datasets/mnist/',
  check: bool = True,
) -> Source:
  """LeCun's handwritten digits -> image uint8[N,28,28,1], label i32[N] in 0..9.

  Args:
    split: 'train' (60,000) and 'test' (10,000), maybe sliced; the 2014 paper's training set is
      'train[:50000]', its validation set 'train[50000:]'.
    folder: where the IDX files lie, gzipped or plain; downloaded into the cache when None.
    mirror: the address of the folder to download from.
    check: refuse .gz files whose digest is not the published one (plain files have none).

  Raises:
    InputError: a file is missing, damaged, or not the published one.
  """
  return _read('mnist', _MNIST, [str(i) for i in range(10)], split, folder, mirror, check)


def fashion_mnist(
  split: str = 'train',
  folder: str | None = None,
  mirror: str = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  check: bool = True,
) -> Source:
  """Zalando's articles (Xiao et al. 2017), as `mnist` in every respect."""
  return _read('fashion_mnist', _FASHION, _FASHION_CLASSES, split, folder, mirror, check)


def kmnist(
  split: str = 'train',
  folder: str | None = None,
  mirror: str = 'http://codh.rois.ac.jp/kmnist/dataset/kmnist/',
  check: bool = True,
) -> Source:
  """Ten hiragana in cursive hands (Clanuwat et al. 2018), as `mnist` in every respect."""
  return _read('kmnist', _KMNIST, _KMNIST_CLASSES, split, folder, mirror, check)


def _read(
  name: str,
  files: dict[str, tuple[File, File]],
  classes: Sequence[str],
  split: str,
  folder: str | None,
  mirror: str,
  check: bool,
) -> Source:
  def read(part: str) -> Source:
    if folder is None:
      at = cache.root() / 'downloads' / name
      images, labels = (download.fetch(file, mirror, at) for file in files[part])
    else:
      images, labels = (_given(file, pathlib.Path(folder), check) for file in files[part])
    image, label = idx.read(images, 3)[..., None], idx.read(labels, 1).astype(np.int32)
    if label.max(initial=0) >= len(classes):
      raise InputError(
        f'{labels} has a label {label.max()}; {name} has only 0 to {len(classes) - 1}'
      )
    return in_memory(
      {'image': image, 'label': label},
      name=name,
      origin=mirror if folder is None else str(images.parent.absolute()),
      preprocessing='none',
      classes=list(classes),
    )

  return splits.select(split, tuple(files), read, name)


def _given(file: File, folder: pathlib.Path, check: bool) -> pathlib.Path:
  """The file under one of the names that people have it by, in the folder or torchvision's raw/."""
  folder = folder.expanduser()
  plain = file.name.removesuffix('.gz')
  for at in (folder, folder / 'raw'):
    for name in (file.name, plain, plain.replace('-idx', '.idx')):
      if (path := at / name).is_file():
        if check and path.suffix == '.gz':
          download.matches(file, path)
        return path
  raise InputError(
    f'{folder} holds neither {file.name} nor {plain}; give the folder of the IDX files'
  )
