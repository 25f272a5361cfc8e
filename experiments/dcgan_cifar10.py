"""DCGAN (Radford et al. 2016) on CIFAR-10, 32x32, in the 4x4 dialect of the Torch code.

  python -m gan_jax.main --config=experiments/dcgan_cifar10.py
  python -m gan_jax.main --config=experiments/dcgan_cifar10.py --config.data.folder=FOLDER

Not an experiment of the paper, whose CIFAR-10 features come from a net trained on ImageNet.

What D learns, by the paper's protocol (`metrics/probe.py`), where 16,000 of 20,000 images were
there to learn from and 4,000 to be tried on, nets.*.width=32 and data.split='train[:16000]':
python -m gan_jax.evaluate --workdir=RUN
  --metrics="probe(train='train[:16000]', test='train[16000:]', n=8000, c=[1e-4,1e-3])"

After 5,100 rounds, 25 minutes on two cores that were busy with more, a linear SVM on 3,584 features
tells 59.2% right from 8,000 labels, on those of a D with fresh weights 49.4%, and with
of={'name':'kmeans','units':400}, whose clusters are of all 20,000 images, 67.0%; of 1,000 labels
(few_labels, draws=10, validation=4000) D's leave 50.7% ± 1.0% wrong. The paper has 82.8%, by a D of
six layers and 28,672 features that saw ImageNet, and 80.6% by 4,800 clusters, from 50,000 labels.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating')
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=64),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=64),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=50_000,
    batch=64,
    rounds_per_call=10,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(16, 16, 3), **small) if arg.tiny else config)
