"""Weights of the DCGAN example of PyTorch (`netG`, `netD`), in and out of `nets/dcgan.py`.

  state = {name: tensor.numpy() for name, tensor in torch.load('netG.pth').items()}
  params = dcgan_torch.generator(state)      # dcgan.Generator(...).apply({'params': params}, z)

The example is the 4x4 dialect: layer 3i of `main` is a convolution, 3i + 1 its BatchNorm in G, and
in D, whose first layer has none, 3i - 1 and 3i. Names may begin with 'module.', as those of models
that were trained in parallel do. Running statistics become the 'mean' and 'var' that BatchNorm
normalises with; without them it has the batch's own.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.errors import InputError

State = dict[str, np.ndarray]
NORM = (('scale', 'weight'), ('bias', 'bias'), ('mean', 'running_mean'), ('var', 'running_var'))


def generator(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
  """A state dict of `netG` -> the weights of `dcgan.Generator`.

  Raises InputError if it is one of another network.
  """
  state = _plain(state)
  layers = _convolutions(state)
  params: dict[str, Any] = {}
  first = state[f'main.{layers[0]}.weight']  # [Z,C,b,b]: a full convolution of 1x1
  params['Dense_0'] = {'kernel': first.transpose(0, 2, 3, 1).reshape(len(first), -1)}
  for i, at in enumerate(layers[1:]):
    kernel = state[f'main.{at}.weight']  # [I,O,4,4], of the gradient of a convolution
    params[f'ConvTranspose_{i}'] = {'kernel': kernel.transpose(2, 3, 0, 1)[::-1, ::-1]}
  return params | _norms(state, layers[:-1])


def discriminator(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
  """A state dict of `netD` -> the weights of `dcgan.Discriminator`; InputError as above."""
  state = _plain(state)
  layers = _convolutions(state)
  params: dict[str, Any] = {}
  for i, at in enumerate(layers[:-1]):
    params[f'Conv_{i}'] = {'kernel': state[f'main.{at}.weight'].transpose(2, 3, 1, 0)}
  last = state[f'main.{layers[-1]}.weight']  # [1,C,b,b]: a valid convolution to 1x1
  params['Dense_0'] = {'kernel': last.transpose(2, 3, 1, 0).reshape(-1, 1)}
  return params | _norms(state, layers[1:-1])


def generator_state(params: Mapping[str, Any], base: int = 4) -> State:
  """The weights of a `dcgan.Generator`, the least of whose images are base x base -> `netG`'s."""
  ups = _count(params, 'ConvTranspose')
  dense = np.asarray(params['Dense_0']['kernel'])
  first = dense.reshape(len(dense), base, base, -1).transpose(0, 3, 1, 2)
  state = {'main.0.weight': first}
  for i in range(ups):
    kernel = np.asarray(params[f'ConvTranspose_{i}']['kernel'])
    state[f'main.{3 * i + 3}.weight'] = kernel[::-1, ::-1].transpose(2, 3, 0, 1)
  return _contiguous(state | _norm_states(params, [3 * i + 1 for i in range(ups)]))


def discriminator_state(params: Mapping[str, Any], base: int = 4) -> State:
  """The weights of a `dcgan.Discriminator` whose last images are base x base -> `netD`'s."""
  downs = _count(params, 'Conv')
  at = [0, *(3 * i - 1 for i in range(1, downs))]
  state = {
    f'main.{layer}.weight': np.asarray(params[f'Conv_{i}']['kernel']).transpose(3, 2, 0, 1)
    for i, layer in enumerate(at)
  }
  head = np.asarray(params['Dense_0']['kernel']).reshape(base, base, -1, 1)
  state[f'main.{3 * downs - 1}.weight'] = head.transpose(3, 2, 0, 1)
  return _contiguous(state | _norm_states(params, [layer + 1 for layer in at[1:]]))


def _plain(state: Mapping[str, np.ndarray]) -> State:
  return {name.removeprefix('module.'): np.asarray(value) for name, value in state.items()}


def _convolutions(state: State) -> list[int]:
  """The places of the layers with kernels; InputError if this is no DCGAN of the example."""
  found = sorted(
    int(name.split('.')[1]) for name, value in state.items()
    if name.startswith('main.') and name.endswith('.weight') and value.ndim == 4
  )  # fmt: skip
  kernels = [state[f'main.{at}.weight'].shape[2:] for at in found]
  if len(found) < 2 or any(shape != (4, 4) for shape in kernels):
    raise InputError(
      f'these are no weights of the DCGAN example: main.0.weight, ... of 4x4 are, not '
      f'{", ".join(list(state)[:4]) or "nothing"}.'
    )
  return found


def _norms(state: State, after: list[int]) -> dict[str, Any]:
  """The BatchNorms that follow these layers."""
  own = lambda at: {ours: state[f'main.{at + 1}.{theirs}'] for ours, theirs in NORM
                    if f'main.{at + 1}.{theirs}' in state}  # fmt: skip
  return {f'BatchNorm_{i}': own(at) for i, at in enumerate(after)}


def _norm_states(params: Mapping[str, Any], at: list[int]) -> State:
  state = {}
  for i, layer in enumerate(at):
    for ours, theirs in NORM:
      if ours in params[f'BatchNorm_{i}']:
        state[f'main.{layer}.{theirs}'] = np.asarray(params[f'BatchNorm_{i}'][ours])
  return state


def _count(params: Mapping[str, Any], kind: str) -> int:
  if 'Dense_0' not in params or 'bias' in params['Dense_0']:
    raise InputError('only a DCGAN with BatchNorm has the layers of the PyTorch example.')
  return sum(name.startswith(f'{kind}_') for name in params)


def _contiguous(state: State) -> State:
  return {name: np.ascontiguousarray(value) for name, value in state.items()}
