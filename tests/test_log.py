"""The log of a run: what was written is there, once, whatever happened in between."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_jax.log import open_log, read, save_png


def steps(workdir):
  return [entry['step'] for entry in read(workdir)]


def test_read_gives_what_was_written_in_order(tmp_path):
  log = open_log(tmp_path)
  log.write(100, {'D/loss': 0.5, 'fid': 3.25})
  log.write(200, {'D/loss': 0.25})
  log.close()
  assert read(tmp_path) == [
    {'step': 100, 'D/loss': 0.5, 'fid': 3.25},
    {'step': 200, 'D/loss': 0.25},
  ]


def test_write_is_on_disk_at_once(tmp_path):
  log = open_log(tmp_path)
  log.write(100, {'D/loss': 0.5})
  assert steps(tmp_path) == [100]
  log.close()


def test_open_log_drops_what_came_after_the_round_it_resumes(tmp_path):
  log = open_log(tmp_path)
  for step in (0, 100, 200, 300):
    log.write(step, {'x': float(step)})
  log.close()
  log = open_log(tmp_path, resume_at=200)
  assert steps(tmp_path) == [0, 100, 200]
  log.write(300, {'x': -1.0})
  log.close()
  assert steps(tmp_path) == [0, 100, 200, 300]
  assert read(tmp_path)[-1]['x'] == -1


@pytest.mark.parametrize('cut', ['{"st', '{"step": 300, "x": 1.0', '{"step": 300, "x": 1.0}'])
def test_open_log_goes_on_after_a_line_that_was_cut_short(tmp_path, cut):
  log = open_log(tmp_path)
  log.write(100, {'x': 1.0})
  log.close()
  with (tmp_path / 'log.jsonl').open('a') as file:
    file.write(cut)
  assert steps(tmp_path)[:1] == [100]
  log = open_log(tmp_path, resume_at=200)
  log.write(300, {'x': 2.0})
  log.close()
  lines = (tmp_path / 'log.jsonl').read_text().splitlines()
  assert [json.loads(line)['step'] for line in lines] == [100, 300]


# Mended: a run that was killed before its first checkpoint begins again with resume_at=0, which
# keeps the entries of round 0; its evaluations are then written a second time. `train` should say
# -1 where nothing was restored, or open_log drop what is of the round it begins with.
def test_open_log_of_a_run_begun_again_has_no_round_0_twice(tmp_path):
  for _ in range(2):
    log = open_log(tmp_path, resume_at=-1)
    log.write(0, {'fid': 300.0})
    log.close()
  assert steps(tmp_path) == [0]


def test_read_gives_nothing_where_nothing_was_written(tmp_path):
  assert read(tmp_path) == []


@pytest.fixture
def events():
  return pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator', exc_type=ImportError
  ).EventAccumulator


# Mended: tensorboardX names its file by the second, and one opened in the same second as the last
# overwrites it (apart=0): a `filename_suffix` of the process and the round would tell them apart.
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('apart', [60, 0])
def test_open_log_purges_what_a_resume_dropped_for_tensorboard(
  tmp_path, events, monkeypatch, apart
):
  parts = ((0, [(100, 1.0), (200, 2.0), (300, 3.0)]), (200, [(300, 30.0)]))
  for second, (resume_at, values) in enumerate(parts):
    monkeypatch.setattr('time.time', lambda now=1.7e9 + second * apart: now)
    log = open_log(tmp_path, resume_at)
    for step, value in values:
      log.write(step, {'D/loss': value})
    log.close()
  seen = events(str(tmp_path / 'tensorboard'))
  seen.Reload()
  assert [(e.step, e.value) for e in seen.Scalars('D/loss')] == [(100, 1), (200, 2), (300, 30)]


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_image_is_a_png_and_an_event(tmp_path, events):
  pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
  log = open_log(tmp_path)
  path = log.image(1200, 'samples', pixels)
  log.close()
  assert path == tmp_path / 'samples' / 'samples_00001200.png'
  np.testing.assert_array_equal(np.asarray(Image.open(path)), pixels)
  seen = events(str(tmp_path / 'tensorboard'))
  seen.Reload()
  (event,) = seen.Images('samples')
  assert (event.step, event.width, event.height) == (1200, 5, 6)


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_save_png_keeps_every_pixel_and_leaves_nothing_beside_it(tmp_path, channels):
  pixels = np.random.default_rng(0).integers(0, 256, (4, 7, channels)).astype(np.uint8)
  save_png(tmp_path / 'deep' / 'x.png', pixels)
  found = np.asarray(Image.open(tmp_path / 'deep' / 'x.png'))
  np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)
  assert [p.name for p in (tmp_path / 'deep').iterdir()] == ['x.png']


@pytest.mark.skipif(importlib.util.find_spec('torch') is None, reason='torch is not installed')
def test_open_log_does_not_import_torch_and_leaves_it_importable(tmp_path):
  code = (
    'import sys; from gan_jax.log import open_log; '
    'log = open_log(sys.argv[1]); log.write(1, {"x": 0.5}); log.close(); '
    'assert "torch" not in sys.modules; import torch; assert torch.ones(1) == 1'
  )
  subprocess.run([sys.executable, '-W', 'ignore', '-c', code, str(tmp_path)], check=True)
  assert steps(tmp_path) == [1]
