"""One process at a time in a folder, however it ends."""

import pathlib
import shutil
import signal

from gan_jax import runs, train
from gan_jax.alone import alone
from tests import commands
from tests.configs import perceptrons
from tests.messages import refused


def hold(folder: str, mark: str) -> None:
  """Holds the folder, says so, and waits for a signal."""
  with alone(folder):
    pathlib.Path(mark).touch()
    signal.pause()


def test_alone_holds_a_folder_until_its_process_ends_in_any_way(tmp_path):
  workdir, mark = tmp_path / 'run', tmp_path / 'mark'
  other = commands.call(hold, str(workdir), str(mark))
  other.until(mark.exists)
  with refused('another process', workdir), alone(workdir):
    pass
  with refused('another process', workdir):
    train.run(perceptrons(), workdir)
  assert not (workdir / 'config.json').exists()
  other.send(signal.SIGKILL)
  assert other.ended().status == -signal.SIGKILL
  with alone(workdir):
    pass


def test_alone_lets_go_of_a_run_that_is_over(trained, tmp_path):
  workdir = shutil.copytree(trained('digits'), tmp_path / 'run')
  train.run(perceptrons(), workdir)
  train.run(perceptrons(rounds=12), workdir)
  assert runs.rounds(workdir) == {4, 8, 12}


def test_alone_refuses_a_folder_that_cannot_be_made(tmp_path):
  (tmp_path / 'file').write_text('')
  with refused(tmp_path / 'file' / 'run'), alone(tmp_path / 'file' / 'run'):
    pass
