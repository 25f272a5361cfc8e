"""The TFD generator of Goodfellow et al. 2014 (table 1), in its two stages (tfd_pretrain/*.yaml).

  python -m gan_jax.main --config=experiments/gan_tfd.py --config.data.path=FOLDER

FOLDER holds TFD_48x48.mat, which is not redistributable. `pretrain` is 50 epochs of z -> 8000 ReLU
-> 8000 sigmoid -> 2304; `train` puts a fresh z -> 8000 ReLU -> 100 sigmoid in front of what that
learnt and goes on for 22 epochs against a fresh D. Both are played, in the folders of their names;
one alone with

  python -m gan_jax.main --config=experiments/gan_tfd.py:stage=pretrain --config.data.path=FOLDER
  python -m gan_jax.main --config=experiments/gan_tfd.py:stage=train --config.data.path=FOLDER

of which the second starts from `from_workdir`, by default where the first leaves its weights. The
paper's Parzen estimate is 2057 +- 26; without the data it could not be measured here.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, overlay, parse_arg, tiny

EPOCH = 980  # rounds: 98,058 unlabelled faces, batches of 100
ALONE = 'runs/gan_tfd-stage=pretrain'  # where a first stage that is played alone leaves its weights


def get_config(arg=''):
  """`tiny`, `pair`, `stage` (pretrain or train, alone) and its `from_workdir` after the colon."""
  arg = parse_arg(arg, tiny=False, stage='', pair='nonsaturating', from_workdir=ALONE)
  sgd = dict(name='goodfellow_2014', initial=0.05, moves_per_epoch=EPOCH)
  tx = dict(name='chain', links=(sgd, dict(name='max_norm', limit=1.9365)))
  config = dict(
    data=dict(name='tfd', split='unlabeled', path=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(inputs=('z',), width=8000),
      D=dict(name='mlp.Discriminator', inputs=('image',), hidden=(1200, 1200), pieces=5),
    ),
    # The authors' cost of D has a factor 1/2.
    objective=dict(name='gan', pair=dict(name=arg.pair), d_weight=0.5),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
    play=dict(name='simultaneous'),
    batch=100,
    rounds_per_call=10,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=EPOCH),
      parzen=dict(name='metrics.parzen.parzen_folds', every=50 * EPOCH),  # and at the end of each
    ),
    log_every=EPOCH,
    checkpoint=dict(every=EPOCH, keep=2),
  )
  first = dict(workdir=arg.from_workdir) if arg.stage else dict(stage='pretrain')
  pretrain = dict(nets=dict(G=dict(name='tfd.pretrain_generator')), rounds=50 * EPOCH)
  train = dict(
    nets=dict(G=dict(name='tfd.generator')),
    start=dict(weights={'G/tail': 'G'}, **first),
    rounds=22 * EPOCH,
  )
  if arg.tiny and arg.stage and arg.from_workdir == ALONE:
    del train['start']  # so that the smoke run of a second stage needs no first one
  stages = dict(pretrain=pretrain, train=train)
  if arg.stage:
    config = overlay(config, stages[arg.stage])
  else:
    config |= dict(driver='stages.run', order=('pretrain', 'train'), stages=stages)
  small = dict(
    nets__G__width=16,
    nets__D__hidden=(8, 8),
    evals=dict(samples=dict(name='figures.grids.samples', every=4)),
  )
  return experiment(tiny(config, shape=(48, 48, 1), **small) if arg.tiny else config)
