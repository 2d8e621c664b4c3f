"""Processes that trained together end together."""

import subprocess
import sys

from tests.support import ROOT

GROUPS = 30  # without `meet` one of the first three never ends
PROGRAM = """
import sys
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from sketchcolor.training.processes import meet

torch.set_num_threads(1)
rank, folder, groups = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(groups):
    store = dist.FileStore(f"{folder}/{number}", 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DistributedDataParallel(torch.nn.Linear(8, 8))
    model(torch.randn(4, 8)).sum().backward()
    dist.all_gather([torch.zeros(3), torch.zeros(3)], torch.ones(3))
    meet()
    dist.destroy_process_group()
    model = None  # frees the group, whose destructor waits for its threads
"""


def test_process_groups_are_left_without_a_deadlock(tmp_path):
    command = [sys.executable, "-c", PROGRAM]
    processes = [
        subprocess.Popen([*command, str(rank), str(tmp_path), str(GROUPS)], cwd=ROOT)
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=300) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
