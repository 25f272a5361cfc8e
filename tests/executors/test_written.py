"""Files by which trials are played elsewhere: a script that is really run, manifests.

Covers: executors/job.py, executors/jobset.py, executors/shell.py, executors/skypilot.py.
"""

import os
import pathlib
import shlex
import subprocess
import sys
from collections import deque

import pytest
import yaml

from gan_jax import sweep as command
from gan_jax.executors import jobset, shell, skypilot
from gan_jax.executors.job import Job, Told
from gan_jax.sweeps import book, results
from tests.messages import refused, says

ROOT = pathlib.Path(__file__).parents[2]

# Plays to the end, but for seed 1, which diverges, and seed 2, which is killed the first time.
PRETENDS = """
import json, os, pathlib, sys
flags = dict(word[2:].split('=', 1) for word in sys.argv[1:])
folder, seed = pathlib.Path(flags['workdir']), flags['config.seed']
note = lambda **told: print(json.dumps(told), file=(folder / 'sessions.jsonl').open('a'))
note(began=1.0, round=0, command='', code={}, device='1 x cpu')
(folder / 'config.json').write_text(json.dumps(dict(rounds=4, batch=10, play='simultaneous')))
if seed == '2' and not (folder / 'output.txt').stat().st_size:
  print('killed', flush=True)
  os.kill(os.getpid(), 9)
if seed == '1':
  note(ended=2.0, how='Diverged: round 2: D/loss is nan')
  sys.exit(1)
print(json.dumps({'step': 4, 'D/loss': 0.5}), file=(folder / 'log.jsonl').open('w'))
note(ended=2.0, how='finished')
"""


@pytest.fixture
def jobs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  words = (sys.executable, '-m', 'gan_jax.main', "--config.data.path=it's here")
  out = []
  for name in ('seed=0', 'rate=0.1*2'):
    folder = tmp_path / 'runs' / 'My_sweep' / 'trials' / name
    folder.mkdir(parents=True)
    out.append(Job(name, (*words, f'--workdir={folder}'), folder))
  return out


def test_shell_plays_what_is_left_and_the_same_command_has_the_table(tmp_path, monkeypatch):
  monkeypatch.chdir(ROOT)
  program = tmp_path / "it's pretended.py"
  program.write_text(PRETENDS)
  asked = book.read(
    dict(config='experiments/gan_digits.py:tiny', trials=[dict(seed=s) for s in range(4)],
         metric='D/loss')
  )  # fmt: skip
  workdir = tmp_path / 'sweep'
  states = lambda: [book.standing(workdir, name)['state'] for name in asked.trials]

  def same_command():
    book.claim(workdir, asked)
    book.look(workdir, asked)
    command.play(workdir, asked, 'shell(slots=2)', program=(sys.executable, str(program)))
    return states()

  assert same_command() == ['waiting'] * 4
  subprocess.run(['sh', str(workdir / shell.FILE)], check=False, cwd='/')
  assert same_command() == ['done', 'failed', 'waiting', 'done']
  assert (workdir / shell.FILE).read_text().count(str(program.name[5:])) == 1
  done = subprocess.run([str(workdir / shell.FILE)], check=False, cwd='/')
  assert done.returncode == 0
  assert same_command() == ['done', 'failed', 'done', 'done']
  told = '\n'.join(results.close(workdir, asked))
  says(told, '3 done', '1 failed', 'seed=1: round 2: D/loss is nan')


def test_shell_writes_a_script_that_plays_the_trial_that_is_named(jobs):
  list(shell.shell(deque(jobs)))
  path = jobs[0].workdir.parent.parent / shell.FILE
  wrong = subprocess.run(['sh', str(path), 'seed=9'], capture_output=True, text=True, check=False)
  assert wrong.returncode == 2
  says(wrong.stderr, 'seed=9')
  with refused('slots=0', 1):
    list(shell.shell(deque(jobs), slots=0))


TPU = dict(tpu='tpu-v6e-slice', topology='4x4', chips=4, hosts=4)


def test_jobset_of_a_trial_begins_anew_when_it_is_preempted(jobs):
  queue = deque(jobs)
  events = list(jobset.jobset(queue, image='r/i', claim='disk', **TPU, spot=True, kueue='q'))
  assert not queue
  assert all(isinstance(event, Told) for event in events)
  path = jobs[0].workdir.parent.parent / jobset.FILE
  assert f'kubectl apply -f {path}' in events[0].line
  first, second = yaml.safe_load_all(path.read_text())
  assert first['apiVersion'] == 'jobset.x-k8s.io/v1alpha2'
  assert first['kind'] == 'JobSet'
  assert first['metadata']['name'] != second['metadata']['name']
  assert first['metadata']['name'].startswith('my-sweep-')
  assert len(first['metadata']['name']) <= 29
  assert first['metadata']['labels']['kueue.x-k8s.io/queue-name'] == 'q'
  assert set(first['spec']) == {'failurePolicy', 'replicatedJobs'}
  policy = first['spec']['failurePolicy']
  assert policy['maxRestarts'] == 20
  assert policy['rules'] == [
    dict(name='answer', action='FailJobSet', onJobFailureReasons=['PodFailurePolicy'])
  ]
  (replicated,) = first['spec']['replicatedJobs']
  assert (replicated['name'], replicated['replicas']) == ('trial', 1)
  one = replicated['template']['spec']
  assert (one['parallelism'], one['completions'], one['backoffLimit']) == (4, 4, 0)
  pod = one['template']['spec']
  assert pod['restartPolicy'] == 'Never'  # which a podFailurePolicy requires
  assert pod['nodeSelector'] == {
    'cloud.google.com/gke-tpu-accelerator': 'tpu-v6e-slice',
    'cloud.google.com/gke-tpu-topology': '4x4', 'cloud.google.com/gke-spot': 'true',
  }  # fmt: skip
  (container,) = pod['containers']
  assert container['resources']['limits'] == {'google.com/tpu': '4'}
  assert container['command'] == [
    'python', '-m', 'gan_jax.main', "--config.data.path=it's here",
    '--workdir=runs/My_sweep/trials/seed=0', '--coordinator=auto',
  ]  # fmt: skip
  (rule,) = one['podFailurePolicy']['rules']
  assert rule['onExitCodes']['containerName'] == container['name']
  assert pod['volumes'][0]['persistentVolumeClaim'] == {'claimName': 'disk'}
  assert container['volumeMounts'][0]['name'] == pod['volumes'][0]['name']
  assert container['workingDir'] == container['volumeMounts'][0]['mountPath']


def test_jobset_of_hosts_without_a_tpu_meets_at_the_first_pod(jobs):
  list(jobset.jobset(deque(jobs), image='r/i', claim='disk', gpus=8, hosts=2))
  path = jobs[0].workdir.parent.parent / jobset.FILE
  first = next(yaml.safe_load_all(path.read_text()))
  own, (replicated,) = first['metadata']['name'], first['spec']['replicatedJobs']
  assert 'exclusive-topology' not in str(first['metadata']['annotations'])
  (container,) = replicated['template']['spec']['template']['spec']['containers']
  # A pod's name in its JobSet's service: JOBSET-REPLICATED-JOB-POD.JOBSET
  assert container['command'][-3:] == [
    f'--coordinator={own}-trial-0-0.{own}:8476', '--processes=2',
    '--process=$(JOB_COMPLETION_INDEX)',
  ]  # fmt: skip
  assert len(f'{own}-trial-0-0') <= 63


def test_jobset_refuses_to_spread_one_process_over_hosts(jobs):
  together = jobs[0]._replace(name='all', alone=True)
  list(jobset.jobset(deque([together]), image='r/i', claim='disk', gpus=8))
  with refused('all ', 'one host'):
    list(jobset.jobset(deque([together]), image='r/i', claim='disk', gpus=8, hosts=2))


def test_jobset_refuses_half_a_slice_and_a_folder_others_do_not_see(jobs, monkeypatch):
  with refused('tpu', 'topology', 'chips'):
    list(jobset.jobset(deque(jobs), image='i', claim='c', tpu='tpu-v6e-slice'))
  monkeypatch.chdir('/usr')
  with refused('My_sweep', '/usr'):
    list(jobset.jobset(deque(jobs), image='i', claim='c'))


def test_skypilot_has_a_task_and_launches_it_once_for_each_trial(jobs, tmp_path):
  list(skypilot.skypilot(deque(jobs), bucket='gs://b', accelerators='tpu-v6e-8'))
  folder = jobs[0].workdir.parent.parent
  task = yaml.safe_load((folder / skypilot.FILE).read_text())
  assert set(task) == {'name', 'workdir', 'resources', 'file_mounts', 'envs', 'setup', 'run'}
  assert task['resources'] == {'accelerators': 'tpu-v6e-8', 'use_spot': True}
  assert task['file_mounts'] == {'/sweep': dict(source='gs://b', mode='MOUNT_CACHED')}
  # Two programs in place of the real ones: sky starts the task's run line, python prints its words.
  (tmp_path / 'sky').write_text(
    f'#!{sys.executable}\nimport os, subprocess, sys\n'
    "envs = dict(sys.argv[i + 1].split('=', 1) for i, w in enumerate(sys.argv) if w == '--env')\n"
    f"subprocess.run(['bash', '-c', {task['run']!r}], env={{**os.environ, **envs}}, check=True)\n"
  )
  (tmp_path / 'python').write_text(f'#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n')
  for program in ('sky', 'python'):
    (tmp_path / program).chmod(0o755)
  environment = {**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}'}
  launched = subprocess.run(
    ['sh', str(folder / skypilot.SCRIPT)],
    env=environment,
    capture_output=True,
    text=True,
    check=True,
  )
  common = ['-m', 'gan_jax.main', "--config.data.path=it's here"]
  assert launched.stdout.splitlines() == [
    str([*common, f'--workdir=/sweep/trials/{job.name}']) for job in jobs
  ]
  line = (folder / skypilot.SCRIPT).read_text().splitlines()[2]
  assert shlex.split(line)[:3] == ['sky', 'jobs', 'launch']
