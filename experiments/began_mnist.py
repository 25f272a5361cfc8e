"""BEGAN (Berthelot et al. 2017) on MNIST, 28x28, small enough for a processor.

  python -m gan_jax.main --config=experiments/began_mnist.py --config.data.folder=FOLDER

The game of `began_faces.py`; the networks end at 7x7 and have 16 channels, Adam is five times
faster and k moves ten times faster, whose .001 is meant for hundreds of thousands of rounds.

Here, seed 0, stopped after 820 of 2,000 rounds at 40 images/s on two busy CPU cores: D's loss .097
and falling from .19; nothing is claimed of its samples.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `width` and `gamma` after the colon."""
  arg = parse_arg(arg, tiny=False, width=16, gamma=0.5)
  adam = dict(name='adam', learning_rate=4e-4, b1=0.9)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='uniform', dim=32, bound=1.0),
    nets=dict(
      G=dict(name='began.Generator', inputs=('z',), width=arg.width),
      D=dict(name='began.autoencoder', inputs=('image',), width=arg.width, dim=32),
    ),
    objective=dict(name='began', gamma=arg.gamma, lambda_k=1e-2),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play='simultaneous',
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=10_000,
    batch=16,
    rounds_per_call=20,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=1000),
      reconstructions=dict(name='figures.reconstructions.autoencoded', every=1000),
    ),
    log_every=200,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(14, 14, 1), **small) if arg.tiny else config)
