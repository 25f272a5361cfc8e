"""Files of weights against PyTorch, which writes them."""

import base64
import collections
import pickle
import zipfile
import zlib

import numpy as np
import pytest

from gan_jax.features.pth import read
from tests.messages import refused

# torch.save({'w': torch.arange(6.).reshape(2, 3), 'n': torch.tensor(7)}) in the old format.
SMALL = (
  'c-n1HxlY4C5cL%s781hI&`~-~WI`@iq(EtwGc<0H73@`PWO+08ItZjlt|G!WP*Cz~d;$^$;{+m#jCN+VZ)fJcnOu'
  '1#(f3>b>*(R*`mmlW7oRG|DM+SMl_Y7LaKSwuxf7P8A&)`E1gDHYQ7A;jTo(J`Fb3ttAqa}6F>}-KnWdmkK{K5af'
  '@#1L0VS$9D!#&4fKD|>D|+yF1P0Zz?2l7M^burF@Wc!1ZYIJgC2qp*voP{q!QzxB?xaCLF-^xPnq%g0#6Vq^kbcC'
  '6;&urV(3}e9*v;dPZ8cjbcC*p6ptR88jWg7tUkWg8s6-X2&R~P8RGz`++{2M0<_VlQC0B{h66T+Uo*+PK1K1L<J%'
  'I8;Yz&nEwFH0s=Qz@eerHABwOidzyKQwXs0KQfk#-kpYqfb$blelLKY)W`4R^&F)|AQXMp0P35K)-%d+XAF%TF=%'
  '@Sx}D@4X)tV}BR'
)
ZIP, STREAM = dict(), dict(_use_new_zipfile_serialization=False)


def test_read_takes_a_file_where_there_is_no_torch(tmp_path):
  path = tmp_path / 'w.pth'
  path.write_bytes(zlib.decompress(base64.b85decode(SMALL)))
  found = read(path)
  np.testing.assert_array_equal(found['w'], np.arange(6, dtype=np.float32).reshape(2, 3))
  assert found['n'] == 7


@pytest.fixture
def saved(tmp_path):
  """(what to save, **how) -> path."""
  torch = pytest.importorskip('torch')

  def save(what, **how):
    torch.save(what, tmp_path / 'w.pth', **how)
    return tmp_path / 'w.pth'

  return save


@pytest.mark.parametrize('how', [ZIP, STREAM], ids=['zip', 'stream'])
def test_read_gives_what_torch_wrote(saved, how):
  import torch

  rng = torch.Generator().manual_seed(0)
  whole = torch.randn(4, 3, 2, 5, generator=rng)
  state = collections.OrderedDict(
    kernel=whole,
    view=whole[1:, 1],  # of the same storage
    turned=whole.permute(3, 0, 2, 1),
    double=torch.randn(3, generator=rng, dtype=torch.float64),
    half=torch.randn(3, generator=rng).half(),
    count=torch.tensor(7),
    empty=torch.zeros(0, 2),
    learnt=torch.nn.Parameter(torch.ones(2)),
  )
  found = read(saved(state, **how))
  assert list(found) == list(state)
  for name, tensor in state.items():
    expected = tensor.detach().numpy()
    assert found[name].dtype == expected.dtype
    np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize('how', [ZIP, STREAM], ids=['zip', 'stream'])
def test_read_gives_the_state_of_a_module(saved, how):
  import torch

  module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5), torch.nn.BatchNorm2d(4))
  for what in (module.state_dict(), {'epoch': 3, 'state_dict': module.state_dict()}):
    found = read(saved(what, **how))
    assert set(found) == set(module.state_dict())
    np.testing.assert_array_equal(found['0.weight'], module[0].weight.detach().numpy())


@pytest.mark.parametrize('how', [ZIP, STREAM], ids=['zip', 'stream'])
def test_read_refuses_a_file_cut_off(saved, how):
  import torch

  path = saved({'w': torch.ones(1000)}, **how)
  path.write_bytes(path.read_bytes()[:-500])
  with refused(path):
    read(path)


class Harmful:
  def __reduce__(self):
    return (print, ('it ran',))


def test_read_runs_nothing_that_a_file_says(tmp_path, capsys):
  path = tmp_path / 'w.pth'
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('w/data.pkl', pickle.dumps({'w': Harmful()}))
  with refused(path, 'builtins.print'):
    read(path)
  path.write_bytes(pickle.dumps(Harmful()))
  with refused(path, 'builtins.print'):
    read(path)
  assert not capsys.readouterr().out


def test_read_refuses_other_files(tmp_path):
  path = tmp_path / 'w.pth'
  with refused(path):
    read(path)
  for content in (b'', b'no pickle', pickle.dumps(3)):
    path.write_bytes(content)
    with refused(path):
      read(path)
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('w/data.pkl', pickle.dumps({'epoch': 3}))
  with refused(path, 'tensors'):
    read(path)
