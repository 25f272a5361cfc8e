"""VEEGAN (Srivastava et al. 2017) on MNIST: the networks of its authors' notebook, Algorithm 1.

python -m gan_jax.main --config=experiments/veegan_mnist.py --config.data.folder=FOLDER

One hidden layer of 256 everywhere, dropout in D, 32 numbers of noise, 200 images at a time, Adam at
1e-3 with beta_1 = 0.7, all three players at once, 50 epochs (veegan_julia_mnist.ipynb). There F's
cost has D's judgement in it too; here it is that of the paper's Algorithm 1. Modes that VEEGAN
finds and others lose are counted in experiments/modes.py.

Here, seed 0, 6,000 of the 15,000 rounds (20 epochs; two minutes on two CPU cores): strokes in white
with specks about them, few of which one would read as a digit.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='log_ratio')
  adam = dict(name='adam', learning_rate=1e-3, b1=0.7)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=32),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(256,), output='sigmoid'),
      F=dict(
        name='encoders.Point', inputs=('image',), dim=32,
        trunk=dict(name='encoders.Perceptron', hidden=(256,)),
      ),
      D=dict(name='joint.Discriminator', inputs=('image', 'z'), hidden=(256,), keep=0.5),
    ),
    objective=dict(name='veegan', pair=dict(name=arg.pair)),
    players={name: dict(owns=(name,), tx=adam) for name in ('D', 'G', 'F')},
    play='simultaneous',
    rounds=15_000,
    batch=200,
    rounds_per_call=50,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=1500),
    ),
    log_every=500,
    checkpoint=dict(every=5000, keep=2),
  )  # fmt: skip
  return experiment(tiny(config, shape=(28, 28, 1)) if arg.tiny else config)
