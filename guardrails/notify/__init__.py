"""Notices of what a team wants to hear of at once: a save, an approval that is asked for, a break glass, a freeze.

notices.py          what a notice says
notifying_log.py    a decision log that also sends them
outbox.py           the queue and the thread of one place that gets them; no call waits for it
grouping.py         many notices that are alike become one
targets.py          how they get to EventBridge, SNS, a webhook or a command
troubles.py         which did not arrive, for `guardrails doctor`
sender.py           all places of a configuration
"""

from guardrails.notify.notices import Notice
from guardrails.notify.notifying_log import NotifyingLog
from guardrails.notify.sender import Sender

__all__ = ["Notice", "NotifyingLog", "Sender"]
