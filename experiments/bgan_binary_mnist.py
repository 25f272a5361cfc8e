"""Boundary-seeking GAN (Hjelm et al. 2018) for discrete data: MNIST binarised at random.

  python -m gan_jax.main --config=experiments/bgan_binary_mnist.py --config.data.folder=FOLDER

G gives the probability of ink at each pixel, and learns from 20 binary samples of each image that D
has judged, weighed against one another; no gradient passes from D to G. The samples shown are the
probabilities. Adam, batch, noise and M as in rdevon/BGAN, perceptrons for networks.

Here, seed 0, after 2,700 rounds at 390 images/s (seven minutes on two busy CPU cores) G draws one 9
whatever the noise, and its loss is 55: collapsed, as `bgan_mnist` is.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `samples` (M in the paper) after the colon."""
  arg = parse_arg(arg, tiny=False, samples=20)
  adam = dict(name='adam', learning_rate=1e-4, b1=0.5)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0), dict(name='binarise')),
    prior=dict(name='uniform', dim=64, bound=1.0),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(512, 512), output='sigmoid'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(256, 256), slope=0.2),
    ),
    objective=dict(name='bgan.discrete', samples=arg.samples),
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
