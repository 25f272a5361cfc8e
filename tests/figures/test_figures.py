"""Pictures: every image stands where it should, and files are whole.

Covers: figures/curves.py, figures/grids.py, figures/timelapse.py.
"""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax import log
from gan_jax.figures import curves, grids, timelapse


def test_grid_places_images_in_reading_order_with_white_between():
  images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1) * np.ones((1, 4, 3, 1), np.uint8)
  out = grids.grid(images, columns=4, zoom=2, gap=2)
  assert out.shape == (2 + 2 * (8 + 2), 2 + 4 * (6 + 2), 1)
  assert [int(out[3, 3 + 8 * i, 0]) for i in range(4)] == [0, 1, 2, 3]
  assert [int(out[13, 3 + 8 * i, 0]) for i in range(4)] == [4, 5, 255, 255]
  assert (out[:2] == 255).all()


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_save_png_gives_back_its_pixels(tmp_path, channels):
  pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
  log.save_png(tmp_path / 'a' / 'b.png', pixels)
  with Image.open(tmp_path / 'a' / 'b.png') as back:
    np.testing.assert_array_equal(np.asarray(back).reshape(pixels.shape), pixels)


def test_timelapse_has_a_frame_a_grid_of_kinds_taken_twice(tmp_path):
  for i in range(5):
    log.save_png(
      tmp_path / 'samples' / f'samples_{i:08d}.png', np.full((8, 8, 3), 50 * i, np.uint8)
    )
  log.save_png(tmp_path / 'samples' / 'once_00000000.png', np.zeros((8, 8, 3), np.uint8))
  assert timelapse.timelapse(tmp_path) == [tmp_path / 'samples.gif']
  with Image.open(tmp_path / 'samples.gif') as gif:
    assert gif.n_frames == 5
  timelapse.timelapse(tmp_path, most=2)
  with Image.open(tmp_path / 'samples.gif') as gif:
    assert gif.n_frames <= 3
    gif.seek(gif.n_frames - 1)
    assert np.asarray(gif.convert('RGB')).mean() == pytest.approx(200, abs=2), 'the last is kept'


def test_curves_are_drawn_from_the_log_and_need_one(tmp_path):
  assert curves.curves(tmp_path) == []
  entries = [
    {'step': i, 'D/loss': 1.0, 'G/loss': 2.0, 'D/gradient_norm': 0.5, 'D/real': 0.1, 'modes': 8}
    for i in range(3)
  ]
  (tmp_path / log.FILE).write_text(''.join(json.dumps(e) + '\n' for e in entries))
  (path,) = curves.curves(tmp_path)
  with Image.open(path) as picture:
    assert np.asarray(picture).std() > 1


def test_bands_go_over_the_rounds_that_all_runs_of_a_group_have(tmp_path):
  groups = {'lr=1': ['a', 'b'], 'lr=2': ['c']}
  for folder, rounds in (('a', 3), ('b', 2), ('c', 3)):
    (tmp_path / folder).mkdir()
    entries = [{'step': i, 'D/loss': 1.0 + i, 'kl': float('inf')} for i in range(rounds)]
    text = ''.join(json.dumps(e) + '\n' for e in entries)
    (tmp_path / folder / log.FILE).write_text(text)
  drawn = []
  original, curves._draw = curves._draw, lambda lines, target: drawn.extend(lines) or []
  try:
    curves.bands(tmp_path, {g: [tmp_path / f for f in fs] for g, fs in groups.items()})
  finally:
    curves._draw = original
  loss = {line.label: line for line in drawn if line.name == 'D/loss'}
  assert loss['D/loss lr=1'].steps.tolist() == [0, 1]
  assert loss['D/loss lr=1'].middle.tolist() == [1, 2]
  assert loss['D/loss lr=1'].sd.tolist() == [0, 0]
  assert loss['D/loss lr=2'].steps.tolist() == [0, 1, 2]
  assert loss['D/loss lr=2'].sd is None
  (path,) = curves.bands(tmp_path, {g: [tmp_path / f for f in fs] for g, fs in groups.items()})
  with Image.open(path) as picture:
    assert np.asarray(picture).std() > 1
  assert curves.bands(tmp_path, {'': [tmp_path / 'nothing']}) == []
