"""Folders and .zip of images: values, order, classes, splits, and what people's folders hold.

Covers: data/images.py, data/listing.py, data/sizes.py.
"""

import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import images
from gan_jax.data.folder import folder
from tests.messages import refused, says


def picture(seed, size=(12, 16), channels=3):
  shape = size if channels == 1 else (*size, channels)
  return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def save(path, array, **options):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(array).save(path, **options)
  return array


@pytest.fixture
def photos(tmp_path):
  """Three classes, not made in the alphabet's order, and what else lies in people's folders."""
  at = tmp_path / 'photos'
  kept = {}
  for kind in ('zebra', 'ant', 'cat'):
    for i in (2, 10, 1):
      name = f'{kind}/{i}.png'
      kept[name] = save(at / name, picture(len(kept)))
  save(at / 'cat' / 'deep' / 'er.bmp', picture(50))
  kept['cat/deep/er.bmp'] = picture(50)
  (at / 'notes.txt').write_text('not an image')
  (at / 'ant' / '.DS_Store').write_bytes(b'x')
  (at / 'ant' / '._1.png').write_bytes(b'x')
  (at / '.hidden').mkdir()
  save(at / '.hidden' / 'a.png', picture(99))
  return at, kept


def test_folder_values_order_and_classes(photos):
  at, kept = photos
  source = folder(path=str(at))
  names = sorted(kept)
  np.testing.assert_array_equal(source.arrays['image'], [kept[n] for n in names])
  assert source.meta['classes'] == ['ant', 'cat', 'zebra']
  classes = [source.meta['classes'][i] for i in source.arrays['label']]
  assert classes == [n.split('/')[0] for n in names]
  assert source.arrays['label'].dtype == np.int32
  assert source.meta['skipped'] == {'count': 0, 'names': []}
  assert json.dumps(dict(source.meta))


def test_folder_of_a_zip_is_that_of_what_is_in_it(photos, tmp_path):
  at, _ = photos
  for inside in (at, at.parent):  # with and without a folder around everything
    path = (
      shutil.make_archive(str(tmp_path / 'out' / inside.name), 'zip', at.parent, at.name)
      if inside is at.parent
      else shutil.make_archive(str(tmp_path / 'out' / 'flat'), 'zip', at)
    )
    zipped, plain = folder(path=path), folder(path=str(at))
    np.testing.assert_array_equal(zipped.arrays['image'], plain.arrays['image'])
    np.testing.assert_array_equal(zipped.arrays['label'], plain.arrays['label'])


def test_folder_read_again_is_the_same_pack_and_a_change_is_noticed(photos, cache):
  at, _ = photos
  first = folder(path=str(at))
  assert isinstance(first.arrays['image'], np.memmap)
  stamp = os.stat(first.meta['where']).st_mtime_ns
  assert folder(path=str(at)).meta['where'] == first.meta['where']
  assert os.stat(first.meta['where']).st_mtime_ns == stamp
  save(at / 'ant' / '3.png', picture(77))
  assert len(folder(path=str(at))) == len(first) + 1
  assert not list(cache.glob('*.partial'))


def test_folder_counts_names_and_logs_unreadable_images_once(photos, caplog):
  at, kept = photos
  (at / 'ant' / '2.png').write_bytes(b'this is text')
  whole = (at / 'cat' / '1.png').read_bytes()
  (at / 'cat' / '1.png').write_bytes(whole[: len(whole) // 2])  # good header, no end
  source = folder(path=str(at))
  bad = ['ant/2.png', 'cat/1.png']
  assert source.meta['skipped'] == {'count': 2, 'names': bad}
  good = [n for n in sorted(kept) if n not in bad]
  np.testing.assert_array_equal(source.arrays['image'], [kept[n] for n in good])
  assert np.bincount(source.arrays['label']).tolist() == [2, 3, 3]
  (line,) = [r.getMessage() for r in caplog.records]
  says(line, '2 of 10')


def test_folder_names_sizes_that_differ(photos):
  at, _ = photos
  save(at / 'ant' / 'odd.png', picture(0, (5, 7)))
  with refused('12x16 (10)', '5x7 (1)', 'size='):
    folder(path=str(at))
  assert folder(path=str(at), size=8).arrays['image'].shape == (11, 8, 8, 3)
  assert folder(path=str(at), size=(4, 10)).arrays['image'].shape == (11, 4, 10, 3)


@pytest.mark.parametrize(
  ('prepare', 'facts'),
  [
    (lambda at: None, ('given', '.zip')),
    (lambda at: at.mkdir(), ('given', '.png')),
    (lambda at: at.write_bytes(b'x'), ('given', '.zip')),
    (
      lambda at: (at.mkdir(), (at / 'a.png').write_bytes(b'x')),
      ('given', 'a.png'),
    ),
    (
      lambda at: (
        at.mkdir(),
        save(at / 'a.png', picture(0)),
        (at / 'a.png').write_bytes((at / 'a.png').read_bytes()[:200]),
      ),
      ('given', 'a.png'),
    ),
  ],
)
def test_folder_refuses_what_holds_nothing_usable(tmp_path, cache, prepare, facts):
  prepare(tmp_path / 'given')
  with refused(*facts):
    folder(path=str(tmp_path / 'given'))
  assert not [p for p in cache.glob('*') if p.is_dir()]


@pytest.mark.parametrize(
  'given', [{'size': 0}, {'size': (1, 2, 3)}, {'channels': 2}, {'filter': 'x'}]
)
def test_folder_refuses_wrong_options(photos, given):
  ((key, value),) = given.items()
  with refused(f'{key}={value!r}'):
    folder(path=str(photos[0]), **given)


def test_folder_has_the_splits_that_its_folders_are(tmp_path):
  for i, name in enumerate(('train/b/1.png', 'train/a/2.png', 'test/b/3.png', 'val/a/4.png')):
    save(tmp_path / 'set' / name, picture(i))
  train = folder(path=str(tmp_path / 'set'))
  test = folder(path=str(tmp_path / 'set'), split='test')
  assert (len(train), len(test)) == (2, 1)
  assert train.meta['classes'] == test.meta['classes'] == ['a', 'b']
  assert (train.arrays['label'].tolist(), test.arrays['label'].tolist()) == ([0, 1], [1])
  assert len(folder(path=str(tmp_path / 'set'), split='train+test+val')) == 4
  with refused("'dev'", 'train, test, val'):
    folder(path=str(tmp_path / 'set'), split='dev')


def test_folder_may_have_a_class_called_train(tmp_path):
  for i, name in enumerate(('train/1.png', 'ship/2.png')):
    save(tmp_path / 'set' / name, picture(i))
  source = folder(path=str(tmp_path / 'set'))
  assert source.meta['classes'] == ['ship', 'train']


def test_folder_of_loose_images_has_no_class(tmp_path):
  for name in ('b.png', 'a.png', 'sub/c.png'):
    save(tmp_path / 'set' / name, picture(ord(name[-5])))
  source = folder(path=str(tmp_path / 'set'))
  assert set(source.arrays) == {'image'}
  expected = [picture(ord(c)) for c in 'abc']
  np.testing.assert_array_equal(source.arrays['image'], expected)


def kinds(at):
  """One image per kind of pixel, all 12 x 16."""
  grey, colour, alpha = picture(0, channels=1), picture(1), picture(2, channels=4)
  deep = (grey.astype(np.uint16) * 257).astype('<u2')
  save(at / 'grey.png', grey)
  Image.fromarray(deep).save(at / 'deep.png')
  Image.fromarray(grey > 127).save(at / 'bits.png')
  save(at / 'colour.png', colour)
  save(at / 'alpha.png', alpha)
  Image.fromarray(colour).quantize(256).save(at / 'palette.png')
  Image.fromarray(colour).convert('CMYK').save(at / 'cmyk.jpg')
  return grey, colour, alpha


def test_pixels_of_every_kind(tmp_path):
  at = tmp_path / 'kinds'
  grey, colour, alpha = kinds(at) if at.mkdir() is None else None
  read = lambda name, channels: images.pixels(at / name, None, channels)
  np.testing.assert_array_equal(read('grey.png', 1)[..., 0], grey)
  np.testing.assert_array_equal(read('deep.png', 1)[..., 0], grey)
  np.testing.assert_array_equal(read('bits.png', 1)[..., 0], 255 * (grey > 127))
  np.testing.assert_array_equal(read('grey.png', 3), grey[..., None].repeat(3, -1))
  np.testing.assert_array_equal(read('colour.png', 3), colour)
  np.testing.assert_array_equal(read('colour.png', 4)[..., :3], colour)
  assert (read('colour.png', 4)[..., 3] == 255).all()
  np.testing.assert_array_equal(read('palette.png', 3), colour)  # 192 pixels: 256 colours suffice
  np.testing.assert_array_equal(read('alpha.png', 4), alpha)
  share = alpha[..., 3:] / 255
  white = alpha[..., :3] * share + 255 * (1 - share)
  np.testing.assert_allclose(read('alpha.png', 3), white, atol=1.01)
  source = folder(path=str(at))
  assert source.arrays['image'].shape == (7, 12, 16, 3)
  says(source.meta['preprocessing'], '1 transparent')
  assert folder(path=str(at), channels=1).arrays['image'].shape == (7, 12, 16, 1)


@pytest.mark.parametrize(('channels', 'depth'), [(1, 1), (3, 3), (4, 4)])
def test_folder_has_the_channels_of_its_images(tmp_path, channels, depth):
  for i in range(2):
    save(tmp_path / 'set' / f'{i}.png', picture(i, channels=channels))
  image = folder(path=str(tmp_path / 'set')).arrays['image']
  assert image.shape[-1] == depth
  np.testing.assert_array_equal(image[1].squeeze(), picture(1, channels=channels))


def test_pixels_are_turned_as_exif_says(tmp_path):
  array = picture(0)
  exif = Image.Exif()
  exif[0x0112] = 6  # turn clockwise to see it
  Image.fromarray(array).save(tmp_path / 'turned.png', exif=exif)
  fact = images.fact(tmp_path / 'turned.png')
  assert (fact.height, fact.width) == (16, 12)
  np.testing.assert_array_equal(
    images.pixels(tmp_path / 'turned.png', None, 3), np.rot90(array, -1)
  )


@pytest.mark.parametrize('shape', [(16, 24), (24, 16), (16, 16), (17, 23)])
def test_resized_is_of_the_centre(shape):
  array = picture(0, shape)
  side = min(shape)
  top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
  centre = array[top : top + side, left : left + side]
  np.testing.assert_array_equal(images.resized(array, (side, side), 'lanczos'), centre)
  small = np.asarray(Image.fromarray(centre).resize((8, 8), Image.Resampling.LANCZOS))
  np.testing.assert_array_equal(images.resized(array, (8, 8), 'lanczos'), small)


def test_folder_skips_a_damaged_member_of_a_zip(tmp_path):
  for i in range(2):
    save(tmp_path / f'{i}.png', picture(i))
  path = tmp_path / 'set.zip'
  with zipfile.ZipFile(path, 'w') as archive:
    archive.write(tmp_path / '0.png', '0.png')
    archive.write(tmp_path / '1.png', '1.png')
  data = bytearray(path.read_bytes())
  data[100] ^= 255
  path.write_bytes(bytes(data))
  source = folder(path=str(path))
  assert source.meta['skipped'] == {'count': 1, 'names': ['0.png']}
  np.testing.assert_array_equal(source.arrays['image'], [picture(1)])


def test_folder_of_real_photographs(real_data, tmp_path):
  with np.load(real_data / 'anime64_train.npz') as z:
    raw, at = z['jpeg'].tobytes(), z['offsets']
  (tmp_path / 'faces').mkdir()
  for i in range(300):
    (tmp_path / 'faces' / f'{i:04d}.jpg').write_bytes(raw[at[i] : at[i + 1]])
  image = folder(path=str(tmp_path / 'faces')).arrays['image']
  assert image.shape == (300, 64, 64, 3)
  with Image.open(tmp_path / 'faces' / '0123.jpg') as opened:
    np.testing.assert_array_equal(image[123], np.asarray(opened.convert('RGB')))
