"""Inception-v3's features: images a second of gan_jax and of torch-fidelity.

python experiments/benchmarks/evaluation_features.py
python experiments/benchmarks/evaluation_features.py --batch=2 --repeats=1     (to try it)

Both have the same random weights and see the same images uint8[batch,side,side,3], from which they
make f32[batch,2048], the logits of the Inception score besides. Each is a process of its own, warm
before it is timed, and waits while the other works; they take turns, in an order that turns round.
Medians, with the least and the greatest; how far the features are apart, by the largest of them.
Compiling is not in the seconds of a turn, but said. Needs torch-fidelity.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import machine
import numpy as np
from absl import app, flags

_BATCH = flags.DEFINE_integer('batch', 32, 'Images at a time.')
_SIDE = flags.DEFINE_integer('side', 32, 'Pixels of a side, before they are made 299.')
_REPEATS = flags.DEFINE_integer('repeats', 7, 'Turns that each contender takes.')
_WORKER = flags.DEFINE_string('worker', None, 'A contender to be, instead of comparing them.')
_FOLDER = flags.DEFINE_string(
  'folder', None, "Where the weights lie, and the worker's features go."
)

Turn = Callable[[np.ndarray], np.ndarray]  # images -> features
COLUMNS = 'images/s', 'seconds a batch', 'time over gan_jax', 'apart', 'warm-up, s'
HEAD = f'| | {" | ".join(COLUMNS)} |\n|---|{"--:|" * len(COLUMNS)}'


def ours(weights: pathlib.Path) -> Turn:
  """By gan_jax, compiled, as metrics look at images."""
  import jax

  from gan_jax.features.inception import inception

  extractor = inception(weights)
  call, params = jax.jit(extractor.apply), jax.device_put(extractor.weights)
  return lambda images: np.asarray(jax.block_until_ready(call(params, images))['features'])


def torch_fidelity(weights: pathlib.Path) -> Turn:
  """By torch-fidelity's extractor, as it comes."""
  import torch

  if not hasattr(torch.ops.torchvision, 'nms'):  # which a CPU build cannot load, nor needs here
    library = torch.library.Library('torchvision', 'DEF')
    for name in ('nms', 'qnms'):
      library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
  from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

  with np.load(weights) as found:
    state = {name: torch.tensor(array) for name, array in found.items()}
  for name in [n for n in state if n.endswith('.running_var')]:
    state[name.replace('running_var', 'num_batches_tracked')] = torch.tensor(0)
  saved = weights.with_suffix('.pth')
  torch.save(state, saved)
  outputs = ['2048', 'logits_unbiased']
  net = FeatureExtractorInceptionV3('it', outputs, feature_extractor_weights_path=str(saved))

  def turn(images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
      return net(torch.from_numpy(images).permute(0, 3, 1, 2))[0].numpy()

  return turn


def random_weights(path: pathlib.Path) -> None:
  """A state dict by PyTorch's names, drawn so that activations keep their size; an .npz."""
  import jax
  from flax.traverse_util import flatten_dict

  from gan_jax.nets.inception import SIDE, Inception

  rng, found = np.random.default_rng(0), {}
  example = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32)
  shapes = jax.eval_shape(Inception().init, jax.random.key(0), example)['params']
  for name, leaf in flatten_dict(shapes, sep='.').items():
    if name.endswith('.kernel') and name != 'fc.kernel':
      layer, (kh, kw, i, o) = name.removesuffix('.kernel'), leaf.shape
      kernel = rng.standard_normal((o, i, kh, kw), np.float32)
      found[f'{layer}.conv.weight'] = kernel * np.float32((2 / (kh * kw * i)) ** 0.5)
      for part, value in dict(weight=1, bias=0, running_mean=0, running_var=1).items():
        found[f'{layer}.bn.{part}'] = np.full(o, value, np.float32)
  found['fc.weight'] = rng.standard_normal((1008, 2048), np.float32) / np.float32(2048**0.5)
  found['fc.bias'] = np.zeros(1008, np.float32)
  np.savez(path, **found)


def images() -> np.ndarray:
  """uint8[batch,side,side,3], the same for all."""
  shape = _BATCH.value, _SIDE.value, _SIDE.value, 3
  return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def work() -> None:
  """A contender's process: warms up, keeps its features, then answers each line with seconds."""
  answers = os.fdopen(os.dup(1), 'w', buffering=1)
  os.dup2(2, 1)  # what libraries print goes to stderr
  folder, began = pathlib.Path(_FOLDER.value), time.perf_counter()
  turn, seen = (
    dict(ours=ours, torch_fidelity=torch_fidelity)[_WORKER.value](folder / 'w.npz'),
    images(),
  )
  np.save(folder / f'{_WORKER.value}.npy', turn(seen))
  print(time.perf_counter() - began, file=answers)
  for _ in sys.stdin:
    began = time.perf_counter()
    turn(seen)
    print(time.perf_counter() - began, file=answers)


def start(name: str, folder: str) -> tuple[subprocess.Popen, float]:
  """The process of a contender, and the seconds until it was warm."""
  given = dict(worker=name, folder=folder, batch=_BATCH.value, side=_SIDE.value)
  command = [sys.executable, __file__, *(f'--{flag}={value}' for flag, value in given.items())]
  pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
  worker = subprocess.Popen(command, text=True, **pipes)
  if not (line := worker.stdout.readline()):
    raise SystemExit(f'{name} does not start; to see why: {" ".join(command)}')
  return worker, float(line)


def row(title: str, took: list[float], ours_: list[float], apart: float, warm: float) -> str:
  """A line of the table."""
  median = statistics.median(took)
  single = [b / a for a, b in zip(ours_, took, strict=True)]
  ratio = f'{median / statistics.median(ours_):.2f} ({min(single):.2f} to {max(single):.2f})'
  spread = f'{median:.2f} ({min(took):.2f} to {max(took):.2f})'
  return (
    f'| {title} | {_BATCH.value / median:.2f} | {spread} | {ratio} | {apart:.1e} | {warm:.1f} |'
  )


def main(argv: list[str]) -> None:
  """Prints the table."""
  del argv
  if _WORKER.value:
    return work()
  print(f'{machine.described()}\n- images: {_BATCH.value} of {_SIDE.value} x {_SIDE.value}\n')
  names, found = ('ours', 'torch_fidelity'), {'ours': [], 'torch_fidelity': []}
  with tempfile.TemporaryDirectory() as folder:
    random_weights(pathlib.Path(folder) / 'w.npz')
    workers = {name: start(name, folder) for name in names}
    for i in range(_REPEATS.value):
      for name in names[:: -1 if i % 2 else 1]:
        worker = workers[name][0]
        print('go', file=worker.stdin, flush=True)
        found[name].append(float(worker.stdout.readline()))
    for worker, _ in workers.values():
      worker.stdin.close()
      worker.wait()
    mine, trusted = (np.load(pathlib.Path(folder) / f'{name}.npy') for name in names)
  apart = float(np.abs(mine - trusted).max() / np.abs(trusted).max())
  print(HEAD)
  for name, title in zip(names, ('gan_jax', 'torch-fidelity'), strict=True):
    print(row(title, found[name], found['ours'], apart, workers[name][1]))


if __name__ == '__main__':
  app.run(main)
