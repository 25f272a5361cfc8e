"""LAPGAN (Denton et al. 2015) on CIFAR-10, class-conditional: 8x8, then 16x16, then 32x32.

  python -m gan_jax.main --config=experiments/lapgan_cifar10.py --config.data.of.folder=FOLDER
  python -m gan_jax.sample --workdir=runs/lapgan_cifar10 --out=grid.png

Three games, each trained on its own (stages.py) and sampled one after the other (chain.py). As in
facebookarchive/eyescream: the networks of each level, half of D's batch real and half fake, SGD
with Torch's damped momentum, which rises from 0 by .0008 an epoch up to .7, 45,000 images. It
differs in that images are scaled to [-1, 1] as they are, where the authors divide each channel by
its deviation, in He's initialisation of the 8x8 networks, and in that it ends:
theirs is stopped by hand.

Its numbers are still to be measured: so far only the tiny form has been run.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

EPOCH = 704  # rounds: 45,000 real images, 64 of them in each of D's batches
LEVELS = {'to16': 1, 'to32': 0}  # how often the original is halved


def get_config(arg=''):
  """`tiny`, `pair`, `epochs`, `width` of the convolutions, `hidden` of the 8x8 G, `rate` of Adam.

  With rate=2e-4, say, both players move by Adam in place of SGD: for short runs.
  """
  arg = parse_arg(
    arg, tiny=False, pair='nonsaturating', epochs=200, width=64, hidden=8000, rate=0.0
  )
  rise = dict(epochs=876, moves_per_epoch=EPOCH)
  tx = dict(
    name='heavy_ball',
    # Torch adds (1 - m) g to the velocity, so that the rate falls as the momentum m rises; its own
    # division by 1.00004 an epoch comes to 3% in 876 of them and is left out.
    learning_rate=dict(name='ramp', start=0.02, end=0.02 * (1 - 0.7), **rise),
    momentum=dict(name='ramp', start=0.0, end=0.7, **rise),
  )
  if arg.rate:
    tx = dict(name='adam', learning_rate=arg.rate, b1=0.5)

  def level(halved):
    return dict(
      data=dict(name='pyramid.level', halved=halved),
      prior=dict(name='uniform', dim=(32 >> halved) ** 2),
      nets=dict(
        G=dict(name='lapgan.Generator', inputs=('z', 'source', 'label'), width=arg.width),
        D=dict(name='lapgan.Discriminator', inputs=('image', 'label'), width=arg.width),
      ),
      objective=dict(name='lapgan', told=('label',)),
      play=dict(schedule=(('D', 0), ('G', 1))),
    )

  G = dict(name='plain.Generator', inputs=('z', 'label'), hidden=(arg.hidden,) * 2)
  D = dict(
    name='plain.Discriminator', inputs=('image', 'label'), hidden=(arg.hidden // 5,) * 2, keep=0.5
  )
  coarse = dict(
    data=dict(name='pyramid.coarsest', halved=2),
    prior=dict(name='uniform', dim=100),
    nets=dict(G=G, D=D),
    objective=dict(name='gan.conditional'),
    batch=64,
  )
  grid = dict(name='figures.grids.samples', rows=10, columns=10, every=EPOCH)
  config = dict(
    driver='stages.run',
    order=('coarse', *LEVELS),
    stages=dict(coarse=coarse, **{name: level(halved) for name, halved in LEVELS.items()}),
    whole=dict(
      sampler='chain.sampler',
      evals=dict(samples=grid, residual=dict(name='metrics.residual.residual', every=EPOCH)),
    ),
    data=dict(of=dict(name='cifar10', folder=placeholder(str)), split='train[:45000]'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    objective=dict(pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
    play=dict(name='alternating'),
    rounds=arg.epochs * EPOCH,
    batch=128,
    rounds_per_call=8,
    evals=dict(samples=grid),
    log_every=EPOCH,
    checkpoint=dict(every=EPOCH, keep=2),
  )
  small = dict(
    data__of=dict(name='synthetic', shape=(32, 32, 3), n=64),
    data__split='train',
    stages__coarse__nets__G__hidden=(8,),
    stages__coarse__nets__D__hidden=(8,),
    **{f'stages__{level}__nets__{net}__width': 2 for level in LEVELS for net in 'GD'},
  )
  return experiment(tiny(config, **small) if arg.tiny else config)
