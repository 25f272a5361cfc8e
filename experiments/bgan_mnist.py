"""Boundary-seeking GAN (Hjelm et al. 2018) for continuous images, on MNIST.

  python -m gan_jax.main --config=experiments/bgan_mnist.py --config.data.folder=FOLDER

G pays (log w - log Z)^2; Adam, batch and noise as in rdevon/BGAN, perceptrons for networks.

Here, seed 0, after 8,000 rounds, D wins (its loss is .006) and all samples are one ragged 9: with
these networks the run collapses.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` after the colon."""
  arg = parse_arg(arg, tiny=False)
  adam = dict(name='adam', learning_rate=1e-4, b1=0.5)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='uniform', dim=64, bound=1.0),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(512, 512), output='tanh'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(512, 512), slope=0.2),
    ),
    objective=dict(name='bgan', decay=0.995),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=20_000,
    batch=64,
    rounds_per_call=50,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=500,
    checkpoint=dict(every=5000, keep=2),
  )
  small = dict(nets__G__hidden=(8,), nets__D__hidden=(8,))
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
