# ---
# jupyter:
#   colab:
#     name: theory.ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The theory of GANs, alive
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_ACCOUNT/gan_jax/blob/main/experiments/notebooks/theory.ipynb)
#
# The paper of Goodfellow et al. (2014) proves what happens if both players of
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{data}} \log D(x)
#   + \mathbb{E}_{z \sim p_z} \log (1 - D(G(z)))$$
#
# play perfectly. On a line, where densities can be computed, one can look at how much of that
# real players do. Then: why $G$ does not play this game literally, why games go round in circles,
# and how a generator loses half of the data. All of it runs in a few minutes on anything.

# %%
import importlib.util
import os
import pathlib
import subprocess
import sys

# Where gan_jax is not installed (Colab), this fetches and installs it. A jax that is there stays.
if importlib.util.find_spec('gan_jax') is None:
  address = os.environ.get('GAN_JAX_GIT', 'https://github.com/YOUR_ACCOUNT/gan_jax')
  subprocess.run(['git', 'clone', '-q', '--depth=1', address, 'gan_jax_git'], check=True)
  subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '-e', 'gan_jax_git'], check=True)
  sys.path.append(str(pathlib.Path('gan_jax_git').resolve()))

# %%
from IPython.display import Image

from experiments import dirac, gan_line, gan_mixture
from gan_jax import canvas, log, train
from gan_jax.figures import gradients

tiny = bool(os.environ.get('GAN_JAX_TINY'))  # runs of seconds, for tests
folder = pathlib.Path('runs/theory')

# %% [markdown]
# ## The best $D$
#
# For a fixed $G$, whose samples have the density $p_g$,
#
# $$V(D, G) = \int p_{data}(x) \log D(x) + p_g(x) \log(1 - D(x)) \, dx .$$
#
# At each $x$ this is $a \log y + b \log(1 - y)$, which is largest at $y = a / (a + b)$. So the
# best discriminator is
#
# $$D^*(x) = \frac{p_{data}(x)}{p_{data}(x) + p_g(x)}$$
#
# and with it the game is worth
#
# $$V(D^*, G) = -\log 4 + 2 \, JSD(p_{data} \,\|\, p_g) ,$$
#
# where the Jensen-Shannon divergence is 0 if, and only if, the two densities are the same. A $G$
# that minimises this draws from the data's distribution, and then $D^* = 1/2$ everywhere and $V =
# -\log 4 \approx -1.386$.
#
# Here is that game on a line: two small networks, data from two Gaussians. $D$ makes five moves
# to each of $G$'s, to keep near $D^*$. Dotted the data, solid green the samples, dashed blue $D$,
# pale blue $D^*$; below, where $G$ puts evenly spaced $z$.

# %%
config = gan_line.get_config()
config.evals.line.every = config.evals.value.every = 375  # how often it is looked at
if tiny:
  config.rounds = 50
state = train.run(config, folder / 'line')

# %% [markdown]
# $D$ follows $D^*$, and $G$ goes to where $D$ is high. Beside it $V$, from samples and what $D$
# says of them (dashed), by the best $D$ (black), and $-\log 4 + 2\,JSD$, by integrating the
# densities (grey). The last two agree at all times, which is the theorem:

# %%
Image(filename=folder / 'line' / 'alive.gif')

# %%
for entry in [e for e in log.read(folder / 'line') if 'value/bound' in e]:
  numbers = entry['value'], entry['value/best'], entry['value/bound'], entry['value/jsd']
  form = 'round {:5,}   V(D, G) {:.3f}   V(D*, G) {:.3f}   -log 4 + 2 JSD {:.3f}   JSD {:.4f}'
  print(form.format(entry['step'], *numbers))

# %% [markdown]
# ## What $G$ really minimises
#
# While $G$ is bad, $D$ is sure of it: $D(G(z)) \approx 0$. There $\log(1 - D(G(z)))$ is flat, and
# $G$ learns nothing just when it has most to learn. Hence the *non-saturating* loss $-\log
# D(G(z))$: the same fixed point, another way there. On the left what $G$ pays for a sample, on
# the right how much it learns from it.

# %%
shown = gradients.gradients(None, None, None, pairs=('minimax', 'nonsaturating'))
canvas.image(shown['gradients'])

# %% [markdown]
# ## Does the game come to rest?
#
# Descent of each player on its own loss is not descent on anything. The smallest example is the
# *Dirac-GAN* (Mescheder et al. 2018): all data at 0, $G$ puts all samples at $\theta$, and $D(x)
# = \psi x$ has one weight. What both players want is a field of arrows over $(\theta, \psi)$; the
# rest point is $(0, 0)$.
#
# If all eigenvalues of the field's Jacobian there have negative real parts, the game comes to
# rest (nearby). For the game of 2014 they are $\pm i/2$: it goes round and round. In the
# portraits: the field and the path of a run from $(1, 1)$; the eigenvalues; and those of one
# round of training, which must lie within the unit circle.


# %%
def portrait(arg):
  """Plays the Dirac-GAN so, and shows where it went."""
  config = dirac.get_config(arg)
  del config.evals.dirac
  config.finish = ('figures.field.portrait',)
  if tiny:
    config.rounds = 10
  train.run(config, folder / arg.replace(',', '-'))
  return Image(filename=folder / arg.replace(',', '-') / 'portrait.png', width=800)


portrait('pair=minimax')

# %% [markdown]
# A penalty on the slope of $D$ at the data (R1: $\frac{\gamma}{2} \mathbb{E}\,\|\nabla D(x)\|^2$)
# moves the eigenvalues to the left. The game comes to rest:

# %%
portrait('pair=minimax,penalty=r1,weight=0.3')

# %% [markdown]
# WGAN-GP asks for a slope of 1 instead of 0, and at rest there is none to be had. It jumps to and
# fro for ever:

# %%
portrait('pair=wasserstein,penalty=wgan_gp')

# %% [markdown]
# ## Mode collapse
#
# Eight Gaussians on a ring. A $G$ without a penalty on $D$ runs after whichever of them $D$
# believes most, and leaves the others: grey the data, red the samples, the shade what $D$ thinks.


# %%
def mixture(arg):
  """Plays it on the ring; returns its animation and says how many of the modes are found."""
  config = gan_mixture.get_config(arg)
  config.rounds = 100 if tiny else 5000
  config.evals.points.update(every=500, pixels=240)
  workdir = folder / arg.replace(',', '-')
  train.run(config, workdir)
  last = [entry for entry in log.read(workdir) if 'modes' in entry][-1]
  print(f'{last["modes"]:.0f} of 8 modes; {last["modes/high_quality"]:.0%} of the samples in one')
  return Image(filename=workdir / 'points.gif')


mixture('pair=minimax,penalty=')

# %% [markdown]
# Modes were lost, or their centres missed, and which ones changes as training goes on. The same
# networks with the non-saturating loss and R1 find all eight:

# %%
mixture('pair=nonsaturating,penalty=r1')

# %% [markdown]
# ## Further
#
# - The line with another game: `gan_line.get_config('pair=least_squares')`, or fewer moves of
#   $D$: `'k=1'`.
# - All cures against lost modes, side by side and with error bars over seeds:
#   `experiments/modes.py`.
# - What these become with convolutions and images: `digits.ipynb`, `dcgan_own_images.ipynb`.
