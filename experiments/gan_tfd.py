"""The TFD generator of Goodfellow et al. 2014 (table 1), in its two stages (tfd_pretrain/*.yaml).

  python -m gan_jax.main --config=experiments/gan_tfd.py:stage=pretrain --config.data.path=FOLDER
  python -m gan_jax.main --config=experiments/gan_tfd.py:stage=train --config.data.path=FOLDER

FOLDER holds TFD_48x48.mat, which is not redistributable. `pretrain` is 50 epochs of z -> 8000 ReLU
-> 8000 sigmoid -> 2304; `train` puts a fresh z -> 8000 ReLU -> 100 sigmoid in front of what that
learnt (read from `from_workdir`, by default where the first command leaves it) and goes on for 22
epochs against a fresh D. The paper's Parzen estimate is 2057 +- 26; without the data it could not
be measured here.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

EPOCH = 980  # rounds: 98,058 unlabelled faces, batches of 100


def get_config(arg=''):
  """`tiny`, `stage` (pretrain or train), `pair` and `from_workdir` after the colon."""
  arg = parse_arg(
    arg,
    tiny=False,
    stage='pretrain',
    pair='nonsaturating',
    from_workdir='runs/gan_tfd-stage=pretrain',
  )
  sgd = dict(name='goodfellow_2014', initial=0.05, moves_per_epoch=EPOCH)
  tx = dict(name='chain', links=(sgd, dict(name='max_norm', limit=1.9365)))
  stages = dict(
    pretrain=dict(G='tfd.pretrain_generator', epochs=50, start=None),
    train=dict(
      G='tfd.generator', epochs=22, start=dict(workdir=arg.from_workdir, weights={'G/tail': 'G'})
    ),
  )
  stage = stages[arg.stage]
  config = dict(
    data=dict(name='tfd', split='unlabeled', path=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name=stage['G'], inputs=('z',), width=8000),
      D=dict(name='mlp.Discriminator', inputs=('image',), hidden=(1200, 1200), pieces=5),
    ),
    # The authors' cost of D has a factor 1/2.
    objective=dict(name='gan', pair=dict(name=arg.pair), d_weight=0.5),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
    play=dict(name='simultaneous'),
    start=stage['start'],
    rounds=stage['epochs'] * EPOCH,
    batch=100,
    rounds_per_call=10,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=EPOCH),
      parzen=dict(name='metrics.parzen.parzen_folds', every=stage['epochs'] * EPOCH),
    ),
    log_every=EPOCH,
    checkpoint=dict(every=EPOCH, keep=2),
  )
  small = dict(
    start=stage['start'] if arg.from_workdir != 'runs/gan_tfd-stage=pretrain' else None,
    nets__G__width=16,
    nets__D__hidden=(8, 8),
    evals=dict(samples=dict(name='figures.grids.samples', every=4)),
  )
  return experiment(tiny(config, shape=(48, 48, 1), **small) if arg.tiny else config)
