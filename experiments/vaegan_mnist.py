"""VAE/GAN (Larsen et al. 2016) on MNIST: reconstruction is measured in what D sees.

python -m gan_jax.main --config=experiments/vaegan_mnist.py --config.data.folder=FOLDER

Networks of DCGAN's kind, not the paper's, and no gate that halts a player who is ahead, which the
authors' code has. See codes_digits.py:game=vaegan for what its codes know.

Here, seed 0, `:width=16`, after 1,000 rounds (two and a half minutes on two busy CPU cores): test
images come back all but the same (a distance of 7.5, of 20.2 to another's), samples are strokes
that are no digits yet.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair` and `width` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=32)
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  trunk = dict(name='encoders.Pyramid', width=arg.width)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=64),
    nets=dict(
      E=dict(name='encoders.Gaussian', inputs=('image',), dim=64, trunk=trunk),
      G=dict(name='dcgan.Generator', inputs=('z',), width=arg.width),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=arg.width, heads=dict()),
    ),
    objective=dict(
      name='vaegan', pair=dict(name=arg.pair), likelihood=dict(name='gaussian'), gamma=1e-2
    ),
    players={name: dict(owns=(name,), tx=adam) for name in ('E', 'G', 'D')},
    play='simultaneous',
    rounds=20_000,
    batch=64,
    rounds_per_call=10,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=500),
      reconstructions=dict(name='figures.reconstructions.encoded', every=500),
      error=dict(name='metrics.roundtrip.roundtrip', every=500),
    ),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4, nets__E__trunk__width=4)
  return experiment(tiny(config, shape=(14, 14, 1), **small) if arg.tiny else config)
