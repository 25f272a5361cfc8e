"""A data set in words and numbers, for a person to check before training on it."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gan_jax.data.source import Source

_LOOKED_AT = 1 << 29  # bytes at most for the statistics, of rows evenly spread; LSUN has 37 GB
_BLOCK = 1 << 22  # bytes at a time
_BAR = 40  # characters
_CLASSES = 30  # bars at most


def describe(source: Source) -> str:
  """Counts, shape, range, mean and deviation, classes, origin, what was skipped: lines of text."""
  return '\n'.join([*_facts(source), *_histogram(source)])


def _facts(source: Source) -> Iterator[str]:
  image, meta = source.arrays['image'], source.meta
  low, high, mean, std, note = _statistics(image)
  yield f'{meta.get("name", "data")}, split {meta.get("split", "?")}: {len(image):,} examples'
  yield f'  image          {image.dtype.name}{list(image.shape)}, {image.nbytes / 1e6:,.1f} MB'
  yield f'  range          {low:g} to {high:g}{note}'
  yield f'  mean           {_numbers(mean)}{note}'
  yield f'  deviation      {_numbers(std)}{note}'
  if image.dtype == np.uint8:
    yield f'  of 0..1        mean {_numbers(mean / 255)}, deviation {_numbers(std / 255)}'
  for key in ('origin', 'preprocessing', 'batches', 'fold', 'sizes', 'where'):
    if key in meta:
      yield f'  {key:<14} {_text(key, meta[key])}'
  for where, skipped in _skipped(meta.get('skipped', {})):
    yield f'  skipped{where}      {skipped["count"]}{": " if skipped["names"] else ""}' + ', '.join(
      skipped['names']
    )
  for column, sha in meta.get('sha256', {}).items():  # of several parts: column -> digest in each
    for name, hexadecimal in sha.items() if isinstance(sha, dict) else [('', sha)]:
      yield f'  {f"sha256 {column} {name}":<14} {hexadecimal}'


def _histogram(source: Source) -> Iterator[str]:
  if 'label' not in source.arrays:
    yield '  labels         none'
    return
  label = np.asarray(source.arrays['label'])
  counts = np.bincount(label[label >= 0])  # -1 stands for one that is not told
  names = source.meta.get('classes') or []
  names = [*names, *map(str, range(len(names), len(counts)))] if isinstance(names, list) else []
  yield f'  label          {len(counts)} classes, {counts.min():,} to {counts.max():,} each'
  width = max(map(len, names[:_CLASSES]), default=1)
  for i, n in enumerate(counts[:_CLASSES].tolist()):
    bar = '#' * round(_BAR * n / counts.max())
    yield f'    {names[i] if names else i:<{width}} {n:>8,} {bar}'
  if len(counts) > _CLASSES:
    yield f'    and {len(counts) - _CLASSES} more'


def _statistics(image: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray, str]:
  """Lowest, highest, mean and deviation per channel, and a note when it is not of all rows."""
  step = max(1, -(-image.nbytes // _LOOKED_AT))
  rows = image[::step]
  note = f' (of one example in {step})' if step > 1 else ''
  if image.dtype != np.uint8:
    return float(rows.min()), float(rows.max()), rows.mean(0), rows.std(0), note
  counts = np.zeros((image.shape[-1], 256))  # exact, and in bounded memory
  size = max(1, _BLOCK // max(1, rows[:1].nbytes))
  for i in range(0, len(rows), size):
    block = rows[i : i + size]
    counts += [np.bincount(block[..., c].ravel(), minlength=256) for c in range(len(counts))]
  share, value = counts / counts.sum(1, keepdims=True), np.arange(256)
  mean = share @ value
  std = np.sqrt((share * (value - mean[:, None]) ** 2).sum(1))
  met = np.flatnonzero(counts.sum(0))
  return float(met[0]), float(met[-1]), mean, std, note


def _skipped(skipped: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
  """One entry, or one per part of a split such as train+test."""
  if 'count' in skipped:
    yield '  ', skipped
  else:
    yield from ((f' {name}', s) for name, s in skipped.items() if s)


def _numbers(values: np.ndarray) -> str:
  return ' '.join(f'{v:.4g}' for v in values)


def _text(key: str, value: Any) -> str:
  if key == 'sizes' and isinstance(value, list):
    return ', '.join(f'{h}x{w} ({n:,})' for h, w, n in value)
  return ', '.join(map(str, value)) if isinstance(value, list) else str(value)
