"""How many of a thousand modes does a DCGAN find? Three MNIST digits stacked as colours, 28x28.

  python -m gan_jax.main --config=experiments/dcgan_stacked.py
  python -m gan_jax.main --config=experiments/dcgan_stacked.py:pack=2 --config.data.of.folder=FOLDER

Stacked MNIST (Che et al. 2017; Metz et al. 2017, section 3.3.1), counted on 26,000 samples: modes
hit, and KL(samples || data), which 26,000 draws of the data have of 0.019 nats by chance alone.
`pack` shows D so many images at a time (PacGAN, Lin et al. 2018). Only the tiny form has been run.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `width` and `pack` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=64, pack=1)
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  config = dict(
    data=dict(name='stacked', of=dict(name='mnist', folder=placeholder(str)), split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=arg.width),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=arg.width, pack=arg.pack),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=10_000,
    batch=64,
    rounds_per_call=10,
    seed=0,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=1000),
      modes=dict(name='metrics.modes.stacked_modes', every=5000, n=26_000),
    ),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  if not arg.tiny:
    return experiment(config)
  small = dict(nets__G__width=4, nets__D__width=4, evals__modes__n=16)
  small |= dict(evals__modes__features=dict(name='classifier', width=2, shown=64))
  return experiment(
    tiny({**config, 'data': dict(name='stacked', of='digits', split='train')}, **small)
  )
