"""DCGAN on a person's own images: any folder, or .zip, of any pictures.

  python -m gan_jax.main --config=experiments/dcgan_folder.py --config.data.path=FOLDER

Each picture is cut to its central square and scaled; `size=96` after the colon makes larger ones.
Half of them are mirrored, unless `flip=false`. The 4x4 dialect of the Torch code.

Run here as `:width=32`, seed 0, on 6,848 drawn faces at 64x64 and two CPU cores that had other work
too: grey fog after 100 rounds, eyes after 200, hair and chin after 300; coloured faces, still
blurred, after 500, which took 17 minutes (docs/progress.png).
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width`, `flip` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, size=64, width=64, flip=True, pair='nonsaturating')
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  mirror = (dict(name='flip'),) if arg.flip else ()
  config = dict(
    data=dict(
      name='folder', split='train', path=placeholder(str), size=arg.size, channels=placeholder(int)
    ),
    transform=(*mirror, dict(name='scale', low=-1.0, high=1.0)),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=arg.width),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=arg.width),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=50_000,
    batch=64,
    rounds_per_call=5,
    evals=dict(samples=dict(name='figures.grids.samples', every=250)),
    log_every=50,
    checkpoint=dict(every=500, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(
    tiny(config, shape=(arg.size // 4, arg.size // 4, 3), **small) if arg.tiny else config
  )
