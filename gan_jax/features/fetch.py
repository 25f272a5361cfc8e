"""The command that downloads the weights of Inception-v3 for the FID, 96 MB, into the cache.

  python -m gan_jax.features.fetch [address of a mirror's folder]

It checks their SHA-256 and says where they lie. No metric ever downloads anything by itself.
"""

from gan_jax import command
from gan_jax.data import download
from gan_jax.errors import InputError
from gan_jax.features import weights


def main(argv: list[str]) -> None:
  """Fetches what is not there yet, and prints its place."""
  if len(argv) > 2:
    raise InputError('usage: python -m gan_jax.features.fetch [address of a mirror]')
  published = weights.INCEPTION
  print(download.fetch(published.file, argv[1] if argv[1:] else published.base, weights.folder()))


if __name__ == '__main__':
  command.start(main)
