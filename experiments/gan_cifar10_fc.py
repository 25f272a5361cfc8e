"""The fully connected CIFAR-10 nets of Goodfellow et al. 2014 (cifar10_fully_connected.yaml).

  python -m gan_jax.main --config=experiments/gan_cifar10_fc.py

127 M weights; images with their mean taken out and scaled to L2 norm 55. The authors give no number
of epochs and no score.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

EPOCH = 400  # rounds: 40,000 images, batches of 100


def get_config(arg=''):
  """`tiny`, `pair` and `epochs` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', epochs=100)
  tx = dict(name='goodfellow_2014', initial=0.025, moves_per_epoch=EPOCH)
  config = dict(
    data=dict(name='cifar10', split='train[:40000]', folder=placeholder(str)),
    transform=(dict(name='contrast_normalise', norm=55.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(
        name='mlp.Generator',
        inputs=('z',),
        hidden=(8000, 8000),
        activations=('relu', 'sigmoid'),
        output='linear',
        iranges=(0.05, 0.05, 0.5),
      ),
      D=dict(name='mlp.Discriminator', inputs=('image',), hidden=(1600, 1600), pieces=5),
    ),
    # The authors' cost of D has a factor 1/2.
    objective=dict(name='gan', pair=dict(name=arg.pair), d_weight=0.5),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
    play=dict(name='simultaneous'),
    rounds=arg.epochs * EPOCH,
    batch=100,
    rounds_per_call=10,
    evals=dict(samples=dict(name='figures.grids.samples', every=EPOCH)),
    log_every=100,
    checkpoint=dict(every=EPOCH, keep=2),
  )
  small = dict(nets__G__hidden=(16, 16), nets__D__hidden=(8, 8))
  return experiment(tiny(config, shape=(32, 32, 3), **small) if arg.tiny else config)
