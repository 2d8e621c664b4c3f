"""The end of a training run over several processes."""

from __future__ import annotations

import torch
import torch.distributed
from accelerate import Accelerator

__all__ = ["leave_together", "meet"]

_meetings: list[torch.distributed.Work] = []  # kept until the process ends, see `meet`


def leave_together(accelerator: Accelerator) -> None:
    """Ends the training of all processes, when the last one has arrived here.

    No process may leave the group while another is still at work in it.
    """
    if accelerator.num_processes > 1 and accelerator.device.type == "cpu":
        meet()
    else:
        accelerator.wait_for_everyone()
    accelerator.end_training()


def meet() -> None:
    """Waits for all processes on CPUs, after which the process group can be freed.

    A thread of Gloo frees the last barrier, and the tensors of earlier calls that it holds, for
    which the thread needs Python's lock. The process group's destructor waits for that thread, and
    holds the lock when it is called by Python (PyTorch 2.13): a deadlock, and the process never
    ends. So the barrier is kept here, and the thread has nothing to free.
    """
    meeting = torch.distributed.barrier(async_op=True)
    assert meeting is not None  # None is for processes that are not in the group
    meeting.wait()
    _meetings.append(meeting)
