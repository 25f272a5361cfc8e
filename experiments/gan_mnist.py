"""The MNIST generator of Goodfellow et al. 2014 (table 1), as the authors' mnist.yaml has it.

python -m gan_jax.main --config=experiments/gan_mnist.py
python -m gan_jax.main --config=experiments/gan_mnist.py --config.data.folder=FOLDER   (IDX files)

Simultaneous moves from one z and one set of dropout masks, momentum 0.5 to 0.7 over 250 epochs. The
paper's Parzen estimate is 225 +- 2 nats. Run here for 25 epochs (`:epochs=25`, seed 0, jax 0.10.2,
two CPU cores): after epoch 5 -98.5 +- 1.4, 10 44.2 +- 1.8, 15 59.0 +- 1.8, 20 84.5 +- 1.7, 25
95.7 +- 1.7 (10,000 samples; sigma 0.278, then 0.215, by validation images; with
--config.evals.parzen.every=2500, a seventh of the time). It was not run further.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

EPOCH = 500  # updates: 50,000 images, batches of 100


def get_config(arg=''):
  """`tiny`, `pair`, and `epochs` (250 is the end of the momentum's ramp) after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', epochs=250)
  tx = dict(name='goodfellow_2014', initial=0.1, moves_per_epoch=EPOCH)
  config = dict(
    data=dict(name='mnist', split='train[:50000]', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='uniform', dim=100, bound=3**0.5),
    nets=dict(
      G=dict(name='mlp.marginal_generator', inputs=('z',), hidden=(1200, 1200), iranges=0.05),
      D=dict(name='mlp.Discriminator', inputs=('image',), hidden=(240, 240), pieces=5),
    ),
    # The authors' cost for D has a factor 1/2 on each of its two terms.
    objective=dict(name='gan', pair=dict(name=arg.pair), d_weight=0.5),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
    play=dict(name='simultaneous'),
    rounds=arg.epochs * EPOCH,
    batch=100,
    rounds_per_call=50,
    seed=0,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=EPOCH),
      parzen=dict(name='metrics.parzen.parzen', every=25 * EPOCH),
    ),
    log_every=EPOCH,
    checkpoint=dict(every=5 * EPOCH, keep=2),
  )
  small = dict(
    nets__G__hidden=(16, 16),
    nets__D__hidden=(8, 8),
    evals__parzen=dict(name='metrics.parzen.parzen', every=4, n=50, valid='train'),
  )
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
