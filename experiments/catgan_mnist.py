"""CatGAN (Springenberg 2016) on MNIST: D sorts the digits into ten classes without being told any.

  python -m gan_jax.main --config=experiments/catgan_mnist.py --config.data.folder=FOLDER

The objective is the paper's unsupervised one (eq. 7). The networks are DCGAN's in the 4x4 dialect,
and D sees every image with noise added.

Here, seed 0, `:width=16`, after 1,000 rounds (four minutes on two busy CPU cores): the clusters say
the digit of 60.4% of the test images, matched after the fact, and samples are strokes like those of
digits. See `catgan_digits` for small ones.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `sigma` (of the noise) and `width` after the colon."""
  arg = parse_arg(arg, tiny=False, sigma=0.3, width=32)
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  D = dict(name='dcgan.Discriminator', width=arg.width, heads=dict(classes=10))
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=arg.width),
      D=dict(D, inputs=('image',)),
    ),
    objective=dict(name='catgan'),
    wrappers=(dict(name='instance_noise', sigma=arg.sigma),),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=10_000,
    batch=100,
    rounds_per_call=10,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=500),
      clusters=dict(name='metrics.agreement.clusters', every=500),
    ),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(14, 14, 1), **small) if arg.tiny else config)
